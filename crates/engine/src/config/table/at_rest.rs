//! Directives of encryption at rest. All of them are ours: Valkey has none.

use super::directives;
use vk_spec::config::{ConfigSpec as C, TextRule};

directives! { after super::tls::END;
    /// Encrypts snapshots and the append-only file when they are written.
    AT_REST_ENCRYPTION = C::bool("at-rest-encryption", "no").immutable();
    /// File of keys, outside the data folder: the first one encrypts, all of them decrypt.
    AT_REST_KEY_FILE = C::text("at-rest-key-file", TextRule::Optional, "").immutable();
    /// Name of a systemd credential that holds keys as a key file does.
    AT_REST_KEY_CREDENTIAL = C::text("at-rest-key-credential", TextRule::Optional, "")
        .immutable();
    /// File whose first line is a passphrase that the key is derived from.
    AT_REST_PASSPHRASE_FILE = C::text("at-rest-passphrase-file", TextRule::Optional, "")
        .immutable();
    /// File of earlier keys, which decrypt only.
    AT_REST_OLD_KEY_FILE = C::text("at-rest-old-key-file", TextRule::Optional, "").immutable();
    /// Loads plain files although they should be encrypted, for the switch to encryption.
    AT_REST_ACCEPT_PLAIN = C::bool("at-rest-accept-plain", "no").immutable();
    /// Starts although encrypted files are missing or older than the last ones that were written.
    AT_REST_ACCEPT_OLDER = C::bool("at-rest-accept-older", "no").immutable();
}
