//! Directives of TLS.
//!
//! Not where listeners are bound (see [`super::network`]).

use super::{INT_MAX, PORT_MAX, directives};
use vk_spec::config::{
    ConfigSpec as C, ShellArea::Listeners, ShellArea::Tls, Special, TextRule::Optional,
};

const OUTGOING: &str = "this version makes no connections of its own";
const ALTERNATE: &str = "one certificate is served in this version; remove the line";

directives! { after super::cluster::END;
    /// TCP port of TLS clients; 0 for none.
    TLS_PORT = C::int("tls-port", 0, PORT_MAX, "0").strict("6379").shell(Listeners);
    /// Certificate chain of the server, PEM.
    TLS_CERT_FILE = C::text("tls-cert-file", Optional, "").volatile().shell(Tls);
    /// Private key of the server, PEM.
    TLS_KEY_FILE = C::text("tls-key-file", Optional, "").volatile().shell(Tls);
    /// Password of the private key.
    TLS_KEY_FILE_PASS = C::text("tls-key-file-pass", Optional, "").sensitive().shell(Tls);
    /// Certificates that clients are checked against, PEM.
    TLS_CA_CERT_FILE = C::text("tls-ca-cert-file", Optional, "").volatile().shell(Tls);
    /// Folder of certificates that clients are checked against.
    TLS_CA_CERT_DIR = C::text("tls-ca-cert-dir", Optional, "").volatile().shell(Tls);
    /// Whether clients show a certificate.
    TLS_AUTH_CLIENTS = C::choice("tls-auth-clients",
        &[("no", 0), ("yes", 1), ("optional", 2)], "yes").strict("optional").shell(Tls);
    /// The part of a client's certificate that names its user.
    TLS_AUTH_CLIENTS_USER = C::choice("tls-auth-clients-user",
        &[("off", 0), ("CN", 1), ("URI", 2)], "off").shell(Tls)
        .guards("certificates are not mapped to users in this version; clients use AUTH");
    /// Protocol versions, such as "TLSv1.2 TLSv1.3".
    TLS_PROTOCOLS = C::text("tls-protocols", Optional, "").shell(Tls);
    /// Cipher suites of TLS 1.2.
    TLS_CIPHERS = C::text("tls-ciphers", Optional, "").shell(Tls);
    /// Cipher suites of TLS 1.3.
    TLS_CIPHERSUITES = C::text("tls-ciphersuites", Optional, "").shell(Tls);
    /// Lets the server choose the cipher suite.
    TLS_PREFER_SERVER_CIPHERS = C::bool("tls-prefer-server-ciphers", "no").shell(Tls);
    /// Lets clients resume sessions.
    TLS_SESSION_CACHING = C::bool("tls-session-caching", "yes").shell(Tls);
    /// Sessions that are kept.
    TLS_SESSION_CACHE_SIZE = C::int("tls-session-cache-size", 0, INT_MAX, "20480").shell(Tls);
    /// Seconds for which a session is kept.
    TLS_SESSION_CACHE_TIMEOUT = C::int("tls-session-cache-timeout", 0, INT_MAX, "300").shell(Tls);
    /// Names and addresses that a generated certificate stands for besides this machine's.
    TLS_SAN = C::special("tls-san", Special::Words, "").immutable();
    /// Seconds between looks at changed certificates; 0 for none.
    TLS_AUTO_RELOAD_INTERVAL = C::int("tls-auto-reload-interval", 0, INT_MAX, "0")
        .tunes("certificates are read again by CONFIG SET tls-cert-file");
    /// Parameters of finite-field Diffie-Hellman.
    TLS_DH_PARAMS_FILE = C::text("tls-dh-params-file", Optional, "").volatile()
        .tunes("elliptic curves are used instead; remove the line");
    /// Certificate of a second kind of key, PEM.
    TLS_ALT_CERT_FILE = C::text("tls-alt-cert-file", Optional, "").volatile().tunes(ALTERNATE);
    /// The second kind of key, PEM.
    TLS_ALT_KEY_FILE = C::text("tls-alt-key-file", Optional, "").volatile().tunes(ALTERNATE);
    /// Password of the second kind of key.
    TLS_ALT_KEY_FILE_PASS = C::text("tls-alt-key-file-pass", Optional, "").sensitive()
        .tunes(ALTERNATE);
    /// Certificate that the server shows as a client, PEM.
    TLS_CLIENT_CERT_FILE = C::text("tls-client-cert-file", Optional, "").volatile()
        .tunes(OUTGOING);
    /// Key of the certificate that the server shows as a client, PEM.
    TLS_CLIENT_KEY_FILE = C::text("tls-client-key-file", Optional, "").volatile().tunes(OUTGOING);
    /// Password of the key that the server uses as a client.
    TLS_CLIENT_KEY_FILE_PASS = C::text("tls-client-key-file-pass", Optional, "").sensitive()
        .tunes(OUTGOING);
    /// TLS on links to the primary.
    TLS_REPLICATION = C::bool("tls-replication", "no").guards(OUTGOING);
    /// TLS on the cluster bus.
    TLS_CLUSTER = C::bool("tls-cluster", "no").guards(OUTGOING);
}
