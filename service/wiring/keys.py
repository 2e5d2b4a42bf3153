"""The vault, and the master keys that it may be under."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from service.domain.causes import Cause
from service.domain.errors import ExtraMissing, MasterKeyMissing
from service.wiring.server import ServerWiring

if TYPE_CHECKING:
    from service.vault.master_key import KeyWrapper, RewrapKeys
    from service.vault.vault import Vault

KEY_FILE = "master.key"


class KeysWiring(ServerWiring):
    """What is sealed, and by what."""

    @cached_property
    def vault(self) -> Vault:
        """Raises `MasterKeyMissing`, `MasterKeyInvalid`, `KeyServiceUnavailable`."""
        from service.vault.vault import Vault

        return Vault(self.master, self._telemetry)

    @cached_property
    def master(self) -> KeyWrapper:
        """Raises `MasterKeyMissing`, `MasterKeyInvalid`, `KeyServiceUnavailable`."""
        from service.vault.master_key import MasterKey, read_key_file

        if self.config.master_key_kms is not None:
            return _kms_key(self.config.master_key_kms)
        if self.config.master_key is not None:
            return MasterKey.from_base64(
                self.config.master_key.get_secret_value(), "FACE_MASTER_KEY"
            )
        if self.config.master_key_file is not None:
            return read_key_file(self.config.master_key_file)
        if self.config.database_url is not None:
            raise MasterKeyMissing
        return self._embedded_key()

    def _embedded_key(self) -> KeyWrapper:
        """Made only where the database is still empty: in the place of a key that was lost, a new
        one would hide that from whoever could still put the old one back.

        Raises `MasterKeyMissing`, and what starting the embedded server raises.
        """
        from service.storage.audit_snapshot import holds_rows
        from service.vault.master_key import create_key_file

        # Asked for once more at the end: meanwhile another process may have begun with both.
        if (
            not self.key_file.exists()
            and holds_rows(self.server_url)
            and not self.key_file.exists()
        ):
            raise MasterKeyMissing().because(Cause.KEY_LOST, path=self.key_file)
        return create_key_file(self.key_file)

    def rewrapping_to_file(self, path: Path) -> RewrapKeys:
        """From the configured master key to the one in `path`.

        Raises `MasterKeyMissing`, `MasterKeyInvalid`, `KeyServiceUnavailable`.
        """
        from service.vault.master_key import RewrapKeys, read_key_file

        return RewrapKeys(self.master, read_key_file(path))

    def rewrapping_to_kms(self, key_id: str) -> RewrapKeys:
        """From the configured master key to a KMS. Raises what `master` raises."""
        from service.vault.master_key import RewrapKeys

        return RewrapKeys(self.master, _kms_key(key_id))

    @property
    def key_file(self) -> Path:
        """The embedded database's own master key, beside its folder."""
        return self.config.data_dir / KEY_FILE

    @property
    def _present_vault(self) -> Vault:
        """Never with a key made just now: no backup opens with that. Raises `MasterKeyMissing`."""
        config = self.config
        given = (config.master_key, config.master_key_file, config.master_key_kms)
        if not any(given) and not self.key_file.exists():
            raise MasterKeyMissing().because(Cause.KEY_FILE_MISSING, path=self.key_file)
        return self.vault


def _kms_key(key_id: str) -> KeyWrapper:
    """Raises `KeyServiceUnavailable`, `ExtraMissing`; boto3 is an extra, and takes its time to import."""
    try:
        from service.vault.aws_kms import AwsKmsKey
    except ModuleNotFoundError:
        raise ExtraMissing(extra="aws") from None
    return AwsKmsKey(key_id)
