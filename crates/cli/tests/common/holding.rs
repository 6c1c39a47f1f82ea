//! A relay between the program and the sandbox that holds the answers of one operation back.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use super::answering::whole;

/// STS has answered what is held, and the program does not have the answer yet.
pub struct Held {
    pub url: String,
    answered: Receiver<()>,
}

impl Held {
    /// Relays to `upstream`, and holds back for good what it answers to requests with this text, such as `Action=AssumeRole&`.
    pub fn start(upstream: SocketAddr, text: &'static str) -> Held {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (said, answered) = channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (said, client) = (said.clone(), client.unwrap());
                thread::spawn(move || {
                    let mut client = client;
                    let (answer, is_held) = relay(&mut client, upstream, text);
                    if is_held {
                        let _test_is_over = said.send(());
                        // Until the program has ended.
                        let _ended = client.read(&mut [0]);
                    } else {
                        let _gone = client.write_all(&answer);
                    }
                });
            }
        });
        Held { url, answered }
    }

    /// Waits until STS has answered what is held.
    pub fn wait(&self) {
        self.answered.recv_timeout(Duration::from_secs(30)).expect("STS answers");
    }
}

fn relay(client: &mut TcpStream, upstream: SocketAddr, text: &str) -> (Vec<u8>, bool) {
    let (mut request, mut buffer) = (Vec::new(), [0; 8192]);
    while !whole(&request) {
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let mut server = TcpStream::connect(upstream).unwrap();
    // No header that is signed.
    server.write_all(request.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes()).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    (answer, request.contains(text))
}
