//! A blocking TLS client that trusts one authority and checks the server's name.

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vk_compat::Client;

/// A RESP client over TLS.
pub type TlsClient = Client<StreamOwned<ClientConnection, TcpStream>>;

/// Connects to `address` as `localhost`, trusting the authority of this file.
///
/// # Panics
/// No connection, or no authority in the file. The handshake runs with the first bytes.
#[must_use]
pub fn tls_client(address: SocketAddr, ca: &Path) -> TlsClient {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).expect("a PEM file") {
        roots
            .add(certificate.expect("a certificate"))
            .expect("an authority");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has suites")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let socket = TcpStream::connect(address).expect("the server listens");
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    socket
        .set_write_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    socket.set_nodelay(true).expect("an option");
    Client::over(StreamOwned::new(session, socket))
}
