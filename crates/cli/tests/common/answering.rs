//! A server that says what a test wants to hear.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

/// A server that answers every request with a status and what is made of the request; its URL.
pub fn answering(status: &str, body: impl Fn(&str) -> String + Send + 'static) -> String {
    let status = status.to_owned();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in server.incoming() {
            let mut client = client.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 8192];
            while !whole(&request) {
                match client.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => request.extend_from_slice(&buffer[..count]),
                }
            }
            let body = body(&String::from_utf8_lossy(&request));
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
            let _gone = client.write_all((head + &body).as_bytes());
        }
    });
    url
}

/// Whether a request with its body is there.
pub fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
    body.len() >= length
}
