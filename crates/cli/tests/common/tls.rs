//! TLS before the sandbox, with a certificate authority of its own.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A server that speaks TLS and asks another one in plain text.
pub struct Server {
    port: u16,
    /// The authority's certificate, PEM.
    pub authority: String,
}

impl Server {
    /// Passes on to a URL of this machine. It serves as long as the test binary runs.
    pub fn start(upstream: &str) -> Server {
        let upstream = upstream.strip_prefix("http://").unwrap().to_owned();
        let (config, authority) = configuration();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for client in listener.incoming().filter_map(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let upstream = upstream.clone();
                // A client that does not trust the certificate breaks off: that is what the test wants to see.
                thread::spawn(move || pass_on(StreamOwned::new(connection, client), &upstream).ok());
            }
        });
        Server { port, authority }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

/// A certificate for `localhost`, its key, and the authority that stands behind it.
pub struct Issued {
    /// PEM.
    pub authority: String,
    pub certificate: rcgen::Certificate,
    pub key: KeyPair,
}

pub fn issue() -> Issued {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    Issued { authority: pem, certificate, key }
}

fn configuration() -> (Arc<ServerConfig>, String) {
    let Issued { authority: pem, certificate, key } = issue();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())))
        .unwrap();
    (Arc::new(config), pem)
}

/// One request, one answer, and the connection ends.
fn pass_on(mut client: StreamOwned<ServerConnection, TcpStream>, upstream: &str) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while !is_whole(&request) {
        match client.read(&mut buffer)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(text.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    client.write_all(&answer)?;
    client.conn.send_close_notify();
    client.flush()
}

/// Whether the head and as much of the body as it announces are there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    body.len() >= length.map_or(0, |length| length.trim().parse().unwrap_or(0))
}
