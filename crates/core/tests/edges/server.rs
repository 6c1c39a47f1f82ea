//! A server on loopback that answers, hangs or breaks off as it is told, and remembers what it was asked.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Asked {
    pub line: String,
    pub headers: String,
    pub body: String,
}

/// What to do with it.
pub enum Reply {
    /// Status, content type and body.
    Answer(u16, &'static str, String),
    /// Exactly these bytes, and then the connection is closed.
    Cut(String),
    /// Exactly these bytes, and then nothing until the client goes away.
    Hang(String),
}

pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub fn start(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        Server::start_with(reply, None)
    }

    /// The same over TLS.
    pub fn start_with(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static, tls: Option<Arc<rustls::ServerConfig>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (reply, seen) = (Arc::new(reply), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (reply, seen, tls) = (reply.clone(), seen.clone(), tls.clone());
                thread::spawn(move || match (stream, tls) {
                    (Ok(stream), None) => serve(stream, &*reply, &seen),
                    (Ok(stream), Some(tls)) => {
                        let session = rustls::ServerConnection::new(tls).unwrap();
                        serve(rustls::StreamOwned::new(session, stream), &*reply, &seen);
                    }
                    (Err(_), _) => {}
                });
            }
        });
        Server { address, asked }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: impl Read + Write, reply: &dyn Fn(&Asked) -> Reply, seen: &Mutex<Vec<Asked>>) {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream) {
        seen.lock().unwrap().push(asked.clone());
        let stream = &mut stream;
        let mut write = |text: &str| {
            let stream = stream.get_mut();
            let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        };
        match reply(&asked) {
            Reply::Answer(status, kind, body) => write(&format!(
                "HTTP/1.1 {status} X\r\nx-amzn-RequestId: fake-request\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )),
            Reply::Cut(text) => return write(&text),
            Reply::Hang(text) => {
                write(&text);
                // Ends when the client closes the connection, or writes more, which it does not.
                let _ = stream.read(&mut [0]);
                return;
            }
        }
    }
}

pub fn read(stream: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    if stream.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = String::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        headers.push_str(&header);
    }
    let length = headers.lines().find_map(|it| it.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(Asked { line: line.trim().to_owned(), headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Copies both ways until either side closes.
pub fn splice(a: TcpStream, b: TcpStream) {
    let (mut a_in, mut b_in) = (a.try_clone().unwrap(), b.try_clone().unwrap());
    let (mut a_out, mut b_out) = (a, b);
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut b_in, &mut a_out);
        let _ = a_out.shutdown(std::net::Shutdown::Both);
    });
    let _ = std::io::copy(&mut a_in, &mut b_out);
    let _ = b_out.shutdown(std::net::Shutdown::Both);
    let _ = back.join();
}

pub const IDENTITY: &str = r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::111122223333:user/alice</Arn><UserId>AIDAFAKE</UserId><Account>111122223333</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>fake-request</RequestId></ResponseMetadata></GetCallerIdentityResponse>"#;

pub const SESSION: &str = r#"<GetSessionTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetSessionTokenResult>
<Credentials><AccessKeyId>ASIAFAKEGIVEN</AccessKeyId><SecretAccessKey>given-secret</SecretAccessKey>
<SessionToken>given-token</SessionToken><Expiration>2026-11-22T07:35:44.25Z</Expiration></Credentials>
</GetSessionTokenResult><ResponseMetadata><RequestId>fake-request</RequestId></ResponseMetadata></GetSessionTokenResponse>"#;

pub fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>{code}</Code>
<Message>{message}</Message></Error><RequestId>fake-request</RequestId></ErrorResponse>"#
    );
    Reply::Answer(status, "text/xml", body)
}

pub fn identity(_: &Asked) -> Reply {
    Reply::Answer(200, "text/xml", IDENTITY.into())
}
