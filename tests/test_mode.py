"""Recording switched on and off: the forms that a switch has."""

from __future__ import annotations

from microbp import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled


def test_blocks_nest_and_restore() -> None:
    with no_grad():
        assert not is_grad_enabled()
        with enable_grad():
            assert is_grad_enabled()
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_decorators() -> None:
    @no_grad()
    def with_call() -> bool:
        return is_grad_enabled()

    @no_grad
    def without_call() -> bool:
        return is_grad_enabled()

    @inference_mode()
    def inference() -> bool:
        return is_grad_enabled()

    assert (with_call(), without_call(), inference()) == (False, False, False)
    assert with_call.__name__ == "with_call"
    assert is_grad_enabled()


def test_set_grad_enabled_as_a_call_and_as_a_block() -> None:
    with set_grad_enabled(False):
        assert not is_grad_enabled()
    assert is_grad_enabled()
    set_grad_enabled(False)
    try:
        assert not is_grad_enabled()
        with enable_grad():
            assert is_grad_enabled()
        assert not is_grad_enabled()
    finally:
        set_grad_enabled(True)
    assert is_grad_enabled()

    @set_grad_enabled(False)
    def off() -> bool:
        return is_grad_enabled()

    assert is_grad_enabled()
    assert not off()
