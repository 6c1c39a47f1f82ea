//! A proxy that tunnels every CONNECT to one place, whatever name was asked for.

use std::{
    io::{BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::server::{read, splice};

pub struct Proxy {
    pub address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub fn to(target: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = lines.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = seen.clone();
                thread::spawn(move || {
                    let mut client = BufReader::new(stream.try_clone().unwrap());
                    let Some(asked) = read(&mut client) else { return };
                    seen.lock().unwrap().push(format!("{}\n{}", asked.line, asked.headers));
                    let mut stream = stream;
                    if !asked.line.starts_with("CONNECT ") {
                        let _ = stream.write_all(b"HTTP/1.1 405 X\r\nContent-Length: 0\r\n\r\n");
                        return;
                    }
                    stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
                    splice(stream, TcpStream::connect(target).unwrap());
                });
            }
        });
        Proxy { address, lines }
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}
