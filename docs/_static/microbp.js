// A picture that was made smaller to fit opens in its own size, by a click or by Enter; Escape closes it.
document.addEventListener("DOMContentLoaded", () => {
  const dialog = document.createElement("dialog");
  dialog.className = "full-size bd-content";
  dialog.addEventListener("click", () => dialog.close());
  document.body.append(dialog);

  const open = (picture) => {
    dialog.replaceChildren(picture.cloneNode());
    dialog.firstChild.removeAttribute("tabindex");
    dialog.showModal();
  };

  for (const picture of document.querySelectorAll(".cell_output img, img.written, .bd-article > section > img")) {
    const prepare = () => {
      if (picture.naturalWidth > picture.clientWidth) {
        picture.classList.add("made-smaller");
        picture.tabIndex = 0;
        picture.title = "Show in full size";
        picture.addEventListener("click", () => open(picture));
        picture.addEventListener("keydown", (event) => event.key === "Enter" && open(picture));
      }
    };
    if (picture.complete) prepare();
    else picture.addEventListener("load", prepare, { once: true });
  }
});
