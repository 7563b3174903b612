//! A connection against a real TLS client, both in memory: nothing but the bytes between them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    io::{self, Read as _, Write},
    sync::Arc,
};

use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    server::WebPkiClientVerifier,
};
use vk_net::{Connection, Opening, Progress, ReceiveError, identity_of, limits};
use vk_resp::{Batch, Limits, Protocol, ReplyBuf};

struct Party {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

fn party(with_client_certificate: bool) -> Party {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let roots = Arc::new(roots);
    let issue = |name: &str| {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        (vec![certificate], key)
    };
    let (chain, key) = issue("localhost");
    let builder = ServerConfig::builder();
    let builder = if with_client_certificate {
        let verifier = WebPkiClientVerifier::builder(Arc::clone(&roots))
            .build()
            .unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let server = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let builder = ClientConfig::builder().with_root_certificates(Arc::unwrap_or_clone(roots));
    let client = if with_client_certificate {
        let (chain, key) = issue("alice");
        builder.with_client_auth_cert(chain, key).unwrap()
    } else {
        builder.with_no_client_auth()
    };
    Party {
        server,
        client: Arc::new(client),
    }
}

fn client(party: &Party) -> ClientConnection {
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::clone(&party.client), name).unwrap()
}

/// Everything that a client wants to send now.
fn outgoing(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// Everything that a server wants to send now.
fn flushed(server: &mut Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while server.flush(&mut bytes).unwrap() == Progress::Budget {}
    bytes
}

/// Gives bytes to a client; returns the plaintext.
fn incoming(client: &mut ClientConnection, mut bytes: &[u8]) -> Vec<u8> {
    let mut plaintext = Vec::new();
    while !bytes.is_empty() {
        client.read_tls(&mut bytes).unwrap();
        client.process_new_packets().unwrap();
        match client.reader().read_to_end(&mut plaintext) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
    }
    plaintext
}

/// Ends the handshake; `piece` bytes reach the server at a time.
fn shake_hands(server: &mut Connection, client: &mut ClientConnection, piece: usize) -> usize {
    let mut room = vec![0; limits::READ_BYTES_PER_TURN_MAX];
    let mut done = 0;
    for _ in 0..10 {
        for bytes in outgoing(client).chunks(piece) {
            let received = server.receive(bytes, &mut room).unwrap();
            assert_eq!(received.bytes, 0);
            done += usize::from(received.is_handshake_done);
        }
        let answer = flushed(server);
        incoming(client, &answer);
    }
    assert!(!server.is_handshaking() && !client.is_handshaking());
    done
}

#[test]
fn requests_survive_a_split_at_every_byte() {
    let party = party(false);
    let request = b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*1\r\n$4\r\nPING\r\n";
    let mut length = None;
    for split in 0.. {
        let mut server = Connection::tls(Arc::clone(&party.server)).unwrap();
        let mut client = client(&party);
        shake_hands(&mut server, &mut client, usize::MAX);
        client.writer().write_all(request).unwrap();
        let bytes = outgoing(&mut client);
        if split >= bytes.len() {
            break;
        }
        assert_eq!(*length.get_or_insert(bytes.len()), bytes.len());
        let (first, second) = bytes.split_at(split);
        let mut seen = Vec::new();
        let mut batch = Batch::new();
        for part in [first, second] {
            let mut room = vec![0; limits::READ_BYTES_PER_TURN_MAX];
            let received = server.receive(part, &mut room).unwrap();
            let input = &room[..received.bytes];
            batch.clear();
            let end = server
                .parse(input, 0, &Limits::DEFAULT, 100, &mut batch)
                .unwrap();
            assert_eq!(end, input.len());
            for request in batch.iter(input) {
                seen.push(request.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
            }
        }
        assert_eq!(
            seen,
            [
                vec![b"GET".to_vec(), b"key".to_vec()],
                vec![b"PING".to_vec()]
            ]
        );
    }
    assert!(length.unwrap() > request.len());
}

#[test]
fn the_handshake_survives_one_byte_at_a_time() {
    let party = party(true);
    let mut server = Connection::tls(Arc::clone(&party.server)).unwrap();
    assert!(server.is_handshaking() && server.peer_certificate().is_none());
    let mut client = client(&party);
    assert_eq!(shake_hands(&mut server, &mut client, 1), 1);
    let identity = identity_of(server.peer_certificate().unwrap());
    assert_eq!(identity.common_name.as_deref(), Some("alice"));
}

/// Takes `room` bytes, then blocks until it is given more.
struct Narrow {
    taken: Vec<u8>,
    room: usize,
}

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = bytes.len().min(self.room);
        self.taken.extend_from_slice(&bytes[..count]);
        self.room -= count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_large_reply_leaves_in_order_through_a_narrow_sink() {
    let party = party(false);
    for room in [1_000, 16_500, 100_000] {
        let mut server = Connection::tls(Arc::clone(&party.server)).unwrap();
        let mut client = client(&party);
        shake_hands(&mut server, &mut client, usize::MAX);
        let value: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
        let mut reply = ReplyBuf::new(Protocol::Resp2);
        reply.ok();
        reply.bulk(&value);
        let blob = vk_resp::Blob::from(value.clone());
        reply.blob(&blob, 0..value.len());
        let expected: Vec<u8> = reply.chunks().flatten().copied().collect();
        let mut sink = Narrow {
            taken: Vec::new(),
            room,
        };
        let mut progress = server.send(&mut reply, &mut sink).unwrap();
        assert!(reply.is_empty());
        let mut rounds = 0;
        while progress != Progress::Drained {
            // No more than the queue and what was encrypted ahead is held.
            assert!(server.queued_bytes() <= expected.len() + limits::ENCRYPT_AHEAD_BYTES_MAX);
            sink.room = room;
            progress = server.flush(&mut sink).unwrap();
            rounds += 1;
            assert!(rounds < 10_000);
        }
        assert_eq!(server.queued_bytes(), 0);
        assert!(
            incoming(&mut client, &sink.taken) == expected,
            "room {room}"
        );
    }
}

#[test]
fn a_pipeline_of_many_records_arrives_whole() {
    let party = party(false);
    let mut server = Connection::tls(Arc::clone(&party.server)).unwrap();
    let mut client = client(&party);
    shake_hands(&mut server, &mut client, usize::MAX);
    client.set_buffer_limit(None);
    for number in 0..20_000 {
        client
            .writer()
            .write_all(format!("SET k{number} v\r\n").as_bytes())
            .unwrap();
    }
    let bytes = outgoing(&mut client);
    let (mut batch, mut seen) = (Batch::new(), 0);
    let mut room = vec![0; limits::READ_BYTES_PER_TURN_MAX];
    for part in bytes.chunks(limits::CIPHERTEXT_BYTES_PER_TURN_MAX) {
        let received = server.receive(part, &mut room).unwrap();
        let input = &room[..received.bytes];
        batch.clear();
        server
            .parse(input, 0, &Limits::DEFAULT, usize::MAX, &mut batch)
            .unwrap();
        for request in batch.iter(input) {
            assert_eq!(request.arg(1).unwrap(), format!("k{seen}").as_bytes());
            seen += 1;
        }
    }
    assert_eq!(seen, 20_000);
}

#[test]
fn plaintext_on_a_tls_port_is_told_apart() {
    let party = party(false);
    let mut server = Connection::tls(Arc::clone(&party.server)).unwrap();
    let mut room = vec![0; 1024];
    let error = server
        .receive(b"*1\r\n$4\r\nPING\r\n", &mut room)
        .unwrap_err();
    assert!(matches!(error, ReceiveError::NotTls));
}

#[test]
fn an_alert_of_the_client_ends_the_handshake() {
    let wants_certificate = party(true);
    let mut party = party(false);
    party.server = wants_certificate.server;
    let mut server = Connection::tls(Arc::clone(&party.server)).unwrap();
    let mut room = vec![0; limits::READ_BYTES_PER_TURN_MAX];
    // The client does not know the authority of this server, and says so.
    let mut client = client(&party);
    server.receive(&outgoing(&mut client), &mut room).unwrap();
    let mut answer = &flushed(&mut server)[..];
    while !answer.is_empty() {
        client.read_tls(&mut answer).unwrap();
    }
    assert!(client.process_new_packets().is_err());
    let error = server
        .receive(&outgoing(&mut client), &mut room)
        .unwrap_err();
    assert!(matches!(error, ReceiveError::Tls(_)), "{error}");
}

#[test]
fn garbage_instead_of_a_hello_is_an_error() {
    let party = party(false);
    let mut server = Connection::tls(Arc::clone(&party.server)).unwrap();
    let mut hello = outgoing(&mut client(&party));
    for byte in hello.iter_mut().skip(5).take(20) {
        *byte ^= 0xff;
    }
    let error = server.receive(&hello, &mut vec![0; 32 * 1024]).unwrap_err();
    assert!(matches!(error, ReceiveError::Tls(_)));
    assert!(server.is_handshaking() && server.peer_certificate().is_none());
}

#[test]
fn a_goodbye_is_a_close_notify() {
    let party = party(false);
    let mut server = Connection::tls(Arc::clone(&party.server)).unwrap();
    let mut client = client(&party);
    shake_hands(&mut server, &mut client, usize::MAX);
    server.say_goodbye();
    let mut bytes = &flushed(&mut server)[..];
    client.read_tls(&mut bytes).unwrap();
    assert!(client.process_new_packets().unwrap().peer_has_closed());
    client.send_close_notify();
    let received = server
        .receive(&outgoing(&mut client), &mut [0; 20_000])
        .unwrap();
    assert!(received.is_finished);
}

#[test]
fn a_hello_on_a_plaintext_port_is_told_apart_once() {
    let mut server = Connection::plain();
    assert_eq!(server.inspect(&[0x16, 3, 1]), Opening::ClientHello);
    let mut server = Connection::plain();
    assert_eq!(server.inspect(b"PING\r\n"), Opening::Other);
    // Later bytes are a request's, whatever they look like.
    assert_eq!(server.inspect(&[0x16, 3, 1]), Opening::Other);
    assert_eq!(server.input_bytes_total(), 9);
}

#[test]
fn what_is_put_aside_comes_back_in_order() {
    let mut server = Connection::plain();
    server.stash(b"0123456789");
    server.stash(b"abc");
    assert_eq!(server.held_bytes(), 13);
    let mut room = [0; 8];
    assert_eq!(server.unstash(&mut room), 8);
    assert_eq!(&room, b"01234567");
    assert!(server.has_stash());
    assert_eq!(server.unstash(&mut room), 5);
    assert_eq!(&room[..5], b"89abc");
    assert!(!server.has_stash() && server.held_bytes() == 0);
}
