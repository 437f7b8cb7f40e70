"""A server loads only what the trusted key signed, byte for byte."""

import pytest

from data_contracts.errors import ErrorCode, InputError, OperationError
from infra import signing


@pytest.fixture
def signed(tmp_path):
    bundle = tmp_path / "bundle"
    (bundle / "codec").mkdir(parents=True)
    (bundle / "model.safetensors").write_bytes(b"weights")
    (bundle / "codec" / "codec.json").write_text("{}")
    signing.sign_directory(bundle, signing.ensure_key(tmp_path / "keys"), signing.beside(bundle))
    return bundle, signing.trusted_key(tmp_path / "keys")


def test_an_untouched_bundle_verifies(signed):
    assert sorted(signing.verify_directory(*signed, signing.beside(signed[0]))) == [
        "codec/codec.json",
        "model.safetensors",
    ]


def test_signing_twice_gives_the_same_bytes(signed, tmp_path):
    bundle, _ = signed
    before = signing.beside(bundle).signature.read_bytes()
    signing.sign_directory(bundle, signing.ensure_key(tmp_path / "keys"), signing.beside(bundle))
    assert signing.beside(bundle).signature.read_bytes() == before


def flip_a_byte(bundle):
    (bundle / "model.safetensors").write_bytes(b"weightz")


def remove_a_file(bundle):
    (bundle / "codec" / "codec.json").unlink()


def add_a_file(bundle):
    (bundle / "extra.bin").write_bytes(b"x")


def remove_the_signature(bundle):
    signing.beside(bundle).signature.unlink()


def spoil_the_signature(bundle):
    signing.beside(bundle).signature.write_text("not json")


def edit_the_manifest(bundle):
    manifest = signing.beside(bundle).manifest
    manifest.write_text(manifest.read_text().replace("model", "madel"))


@pytest.mark.parametrize(
    "damage",
    [flip_a_byte, remove_a_file, add_a_file, remove_the_signature, spoil_the_signature, edit_the_manifest],
)
def test_a_touched_bundle_is_refused(signed, damage):
    bundle, trusted = signed
    damage(bundle)
    with pytest.raises(InputError) as caught:
        signing.verify_directory(bundle, trusted, signing.beside(bundle))
    assert caught.value.code is ErrorCode.SIGNATURE_INVALID


def test_a_foreign_key_is_refused(signed, tmp_path):
    bundle, trusted = signed
    signing.sign_directory(bundle, signing.ensure_key(tmp_path / "other"), signing.beside(bundle))
    with pytest.raises(InputError, match="trusted is"):
        signing.verify_directory(bundle, trusted, signing.beside(bundle))


def test_the_private_key_is_for_its_owner_alone(tmp_path):
    signing.ensure_key(tmp_path / "keys")
    private = tmp_path / "keys" / signing.PRIVATE_NAME
    assert private.stat().st_mode & 0o777 == 0o600
    private.chmod(0o644)
    with pytest.raises(OperationError, match="others may read"):
        signing.ensure_key(tmp_path / "keys")


def test_no_key_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no trusted key"):
        signing.trusted_key(tmp_path)
