use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, crypto::ring, pki_types::ServerName};
use serde_json::Value;
use syslog_fmt::{Facility, v5424};

use super::{AddressError, ShipError, Terms, plain_url};
use crate::{
    audit::ocsf::{self, Severity},
    http,
    values::Event,
};

/// A syslog server: RFC 5424 over TCP, or over TLS (RFC 5425), each message with its length before it (RFC 6587).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syslog {
    is_tls: bool,
    /// An IPv6 address is in brackets.
    host: String,
    port: u16,
}

impl fmt::Display for Syslog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.is_tls { "tls" } else { "tcp" }, self.host, self.port)
    }
}

impl Syslog {
    /// The server that `tls://HOST[:PORT]` or `tcp://HOST:PORT` names.
    ///
    /// # Errors
    ///
    /// [`AddressError`] for anything else.
    pub fn new(address: &str) -> Result<Syslog, AddressError> {
        let form = "write it as tls://logs.example.com:6514 or tcp://logs.example.com:514";
        let url = plain_url(address, form, "syslog has no passwords: leave it out, and change this one, it was seen")?;
        let unknown = AddressError {
            what: "it is neither tls:// nor tcp://",
            next_step: "write it as tls://logs.example.com:6514 or tcp://logs.example.com:514",
        };
        let (is_tls, port) = match (url.scheme(), url.port()) {
            ("tls", port) => (true, port.unwrap_or(6514)),
            ("tcp", Some(port)) => (false, port),
            ("tcp", None) => {
                return Err(AddressError { what: "it names no port", next_step: "add it, such as :514: TCP has no usual one" });
            }
            _ => return Err(unknown),
        };
        if !matches!(url.path(), "" | "/") {
            return Err(AddressError { what: "it has a path", next_step: "leave it out" });
        }
        Ok(Syslog { is_tls, host: url.host_str().unwrap_or_default().to_ascii_lowercase(), port })
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Sends events over one connection, and closes it.
    ///
    /// Syslog has no acknowledgement. The nearest to one: we say that nothing more comes, and the server closes in turn when it
    /// has read all of it. What it does with that is its own affair.
    pub(super) fn send(&self, events: &[Event], terms: &Terms) -> Result<(), ShipError> {
        let broken = |error: io::Error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => ShipError::passing("it did not answer in time"),
            _ => ShipError::passing(error.to_string()),
        };
        let tcp = self.connect(terms.time_out).map_err(broken)?;
        let messages: Vec<u8> = events.iter().flat_map(framed).collect();
        if !self.is_tls {
            return deliver(&tcp, &messages).map_err(broken);
        }
        let mut tls = self.handshake(&tcp, terms)?;
        let done = deliver_over_tls(&mut tls, &messages);
        done.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error @ rustls::Error::InvalidCertificate(_)) => ShipError::lasting(format!("it is not trusted: {error}")),
            Some(error) => ShipError::lasting(format!("TLS failed: {error}")),
            None => broken(error),
        })
    }

    fn connect(&self, time_out: Duration) -> io::Result<TcpStream> {
        let mut failed = io::Error::new(ErrorKind::NotFound, "its name has no address");
        for address in self.addresses(time_out)? {
            match TcpStream::connect_timeout(&address, time_out) {
                Ok(tcp) => {
                    tcp.set_read_timeout(Some(time_out))?;
                    tcp.set_write_timeout(Some(time_out))?;
                    return Ok(tcp);
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// The system's resolver knows no time-out, so another thread waits for it.
    fn addresses(&self, time_out: Duration) -> io::Result<Vec<SocketAddr>> {
        let (found, answer) = mpsc::channel();
        let (host, port) = (self.bare_host().to_owned(), self.port);
        thread::spawn(move || found.send((host.as_str(), port).to_socket_addrs().map(Vec::from_iter)));
        answer.recv_timeout(time_out).map_err(|_| io::Error::from(ErrorKind::TimedOut))?
    }

    fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    fn handshake<'a>(
        &self,
        tcp: &'a TcpStream,
        terms: &Terms,
    ) -> Result<StreamOwned<ClientConnection, &'a TcpStream>, ShipError> {
        let roots = http::roots(terms.ca_file.as_deref()).map_err(|error| ShipError::lasting(error.to_string()))?;
        let name = ServerName::try_from(self.bare_host().to_owned())
            .map_err(|_| ShipError::lasting("its name cannot stand in a certificate"))?;
        let connection = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map(|config| config.with_root_certificates(roots).with_no_client_auth())
            .and_then(|config| ClientConnection::new(Arc::new(config), name));
        Ok(StreamOwned::new(connection.map_err(|error| ShipError::lasting(format!("TLS: {error}")))?, tcp))
    }
}

fn deliver(mut tcp: &TcpStream, messages: &[u8]) -> io::Result<()> {
    tcp.write_all(messages)?;
    // A server that closes before it was told that this is all has not read all of it.
    tcp.set_nonblocking(true)?;
    let early = tcp.peek(&mut [0]);
    tcp.set_nonblocking(false)?;
    if matches!(early, Ok(0)) {
        return Err(closed_early());
    }
    tcp.shutdown(Shutdown::Write)?;
    until_closed(tcp)?;
    tcp.take_error()?.map_or(Ok(()), Err)
}

fn deliver_over_tls(tls: &mut StreamOwned<ClientConnection, &TcpStream>, messages: &[u8]) -> io::Result<()> {
    tls.write_all(messages)?;
    tls.flush()?;
    tls.sock.set_nonblocking(true)?;
    let early = loop {
        match tls.conn.read_tls(&mut tls.sock) {
            Ok(0) => break true,
            Ok(_) => {
                tls.conn.process_new_packets().map_err(io::Error::other)?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
            Err(error) => return Err(error),
        }
    };
    tls.sock.set_nonblocking(false)?;
    if early {
        return Err(closed_early());
    }
    tls.conn.send_close_notify();
    tls.flush()?;
    tls.sock.shutdown(Shutdown::Write)?;
    match until_closed(&mut *tls) {
        // Without TLS's own word for it, as some servers do.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        closed => closed?,
    }
    tls.sock.take_error()?.map_or(Ok(()), Err)
}

fn closed_early() -> io::Error {
    io::Error::new(ErrorKind::ConnectionReset, "it closed the connection in the middle")
}

/// Waits for the other side to close. It has nothing to say; one that talks on and on is left.
fn until_closed(mut from: impl Read) -> io::Result<()> {
    let mut said = [0; 1024];
    for _ in 0..64 {
        if from.read(&mut said)? == 0 {
            return Ok(());
        }
    }
    Err(io::Error::other("it talks, which a syslog server does not"))
}

/// An event as a message, with its length before it.
fn framed(event: &Event) -> Vec<u8> {
    let message = message(event);
    let mut framed = format!("{} ", message.len()).into_bytes();
    framed.extend(message);
    framed
}

/// An event as a message of RFC 5424. What it says is OCSF; the structured data is what a rule is written for.
fn message(event: &Event) -> Vec<u8> {
    let entry = &event.entry;
    let text = |name: &str| entry.detail.get(name).and_then(Value::as_str).map(str::to_owned);
    let actor = |name: &str| entry.detail.get("actor").and_then(|actor| actor.get(name));
    let host = actor("host").and_then(Value::as_str).map(|host| header(host, 255));
    let process = actor("process").map(|process| header(&process.to_string(), 128));
    let formatter = v5424::Config {
        facility: Facility::Authpriv,
        hostname: host.as_deref(),
        app_name: Some("credstack"),
        proc_id: process.as_deref(),
    };
    let severity = match Severity::of(entry.event) {
        Severity::Informational => syslog_fmt::Severity::Info,
        Severity::Low | Severity::Medium => syslog_fmt::Severity::Warning,
    };
    let parameters = [
        ("uid", Some(ocsf::uid(event))),
        ("sequence", Some(event.sequence.to_string())),
        ("event", Some(entry.event.to_string())),
        ("stack", entry.stack.as_ref().map(|name| name.to_string())),
        ("credential", entry.credential.map(|id| id.to_string())),
        ("accessKeyId", entry.access_key_id.clone()),
        ("account", entry.account.clone()),
        ("arn", entry.arn.clone()),
        ("target", text("target")),
        ("code", text("code")),
    ];
    let parameters: Vec<(&str, String)> = parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let data = [("credstack@32473", parameters.iter().map(|(name, value)| (*name, value.as_str())))];
    let mut message = Vec::new();
    // Nothing that is written into memory fails.
    let _infallible = formatter.into_formatter().write_with_data(
        &mut message,
        severity,
        event.at.to_string(),
        v5424::Msg::NonUnicodeBytes(ascii(&ocsf::event(event).to_string()).as_bytes()),
        Some(entry.event.as_str()),
        data,
    );
    message
}

/// JSON in ASCII: a message in UTF-8 would have to begin with a byte order mark, which no reader of JSON wants.
fn ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            ascii.push(c);
        } else {
            let mut pair = [0; 2];
            c.encode_utf16(&mut pair).iter().for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}")));
        }
    }
    ascii
}

/// A word of the header: printable ASCII, without spaces, no longer than it may be.
fn header(text: &str, most: usize) -> String {
    let word: String = text.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }).take(most).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}
