//! HTTP/1.1, the side of a server, on bytes: what comes in is read here, and what goes out is written.

use std::fmt::Write as _;

/// The longest head of a request, and its longest body.
const MOST_HEAD: usize = 64 << 10;
const MOST_BODY: usize = 4 << 20;
const MOST_HEADERS: usize = 128;

/// A request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct HttpRequest {
    /// The method.
    pub method: String,
    /// The path, without what comes after a `?`.
    pub path: String,
    /// The headers, by their names in lower case.
    headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The headers beside those of the length and the connection.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl HttpRequest {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the client wants the connection closed after the response.
    pub fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

impl HttpResponse {
    /// One with a JSON body.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// One with a body of a kind.
    pub fn text(status: u16, kind: &str, body: String) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body }
    }

    /// The same, with a header more.
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// As it is sent.
    pub fn to_bytes(&self, closes: bool) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let connection = if closes { "close" } else { "keep-alive" };
        let length = self.body.len();
        let _ = write!(text, "content-length: {length}\r\nconnection: {connection}\r\n\r\n{}", self.body);
        text.into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        529 => "Overloaded",
        _ => "Other",
    }
}

/// Takes the first request from what has come, if it is whole.
///
/// # Errors
/// The response to what is no request that can be read.
pub(super) fn take_request(unread: &mut Vec<u8>) -> Result<Option<HttpRequest>, HttpResponse> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let bad =
        |why: String| HttpResponse::json(400, &serde_json::json!({ "error": "unreadable", "message": why }));
    let length = match head.parse(unread) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if unread.len() > MOST_HEAD => {
            return Err(bad("the head is too long".to_owned()));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(bad(format!("this is no HTTP/1.1: {error}"))),
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let mut request = HttpRequest {
        method: head.method.unwrap_or_default().to_owned(),
        path: head.path.unwrap_or_default().split('?').next().unwrap_or_default().to_owned(),
        headers: head
            .headers
            .iter()
            .map(|header| (header.name.to_ascii_lowercase(), text(header.value)))
            .collect(),
        body: Vec::new(),
    };
    let is_chunked =
        request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    let rest = &unread[length..];
    let taken = if is_chunked {
        match take_chunks(rest).map_err(|()| bad("its chunks cannot be read".to_owned()))? {
            Some((body, taken)) => {
                request.body = body;
                taken
            }
            None => return Ok(None),
        }
    } else {
        let wanted = match request.header("content-length").map(str::parse::<usize>) {
            None => 0,
            Some(Ok(wanted)) => wanted,
            Some(Err(_)) => return Err(bad("its length is no number".to_owned())),
        };
        if wanted > MOST_BODY {
            let message = format!("a request has at most {MOST_BODY} bytes");
            return Err(HttpResponse::json(
                413,
                &serde_json::json!({ "error": "too-large", "message": message }),
            ));
        }
        if rest.len() < wanted {
            return Ok(None);
        }
        request.body = rest[..wanted].to_vec();
        wanted
    };
    unread.drain(..length + taken);
    Ok(Some(request))
}

/// The body in chunks, and how long they are; nothing if they are not all there.
fn take_chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, ()> {
    let (mut body, mut place) = (Vec::new(), 0);
    loop {
        let (start, size) = match httparse::parse_chunk_size(&bytes[place..]).map_err(drop)? {
            httparse::Status::Complete((start, size)) => {
                (place + start, usize::try_from(size).map_err(drop)?)
            }
            httparse::Status::Partial => return Ok(None),
        };
        if size > MOST_BODY || body.len() + size > MOST_BODY {
            return Err(());
        }
        if bytes.len() < start + size + 2 {
            return Ok(None);
        }
        body.extend_from_slice(&bytes[start..start + size]);
        place = start + size + 2;
        if size == 0 {
            return Ok(Some((body, place)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read from a text that comes byte by byte.
    fn read_slowly(text: &str) -> Vec<HttpRequest> {
        let (mut unread, mut requests) = (Vec::new(), Vec::new());
        for byte in text.bytes() {
            unread.push(byte);
            requests.extend(take_request(&mut unread).unwrap());
        }
        assert!(unread.is_empty(), "{unread:?}");
        requests
    }

    #[test]
    fn requests_on_one_connection_are_read_one_after_the_other_however_slowly_they_come() {
        let text = "POST /create?x=1 HTTP/1.1\r\nHost: ticketing\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\n";
        let requests = read_slowly(text);
        let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
        assert_eq!(paths, ["/create", "/"]);
        assert_eq!(requests[0].header("host"), Some("ticketing"));
        assert_eq!(requests[0].body, b"{}");
    }

    #[test]
    fn a_body_in_chunks_is_one_body() {
        let text =
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
        assert_eq!(read_slowly(text)[0].body, b"{\"a\":1}");
    }

    #[test]
    fn what_is_no_request_or_too_large_is_answered_so() {
        for (text, status) in [
            ("no\u{1} HTTP\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ] {
            let answer = take_request(&mut text.as_bytes().to_vec()).unwrap_err();
            assert_eq!(answer.status, status, "{text}");
        }
        let mut endless = b"GET / HTTP/1.1\r\nx: ".to_vec();
        endless.extend(vec![b'y'; MOST_HEAD]);
        assert_eq!(take_request(&mut endless).unwrap_err().status, 400);
    }

    #[test]
    fn a_response_says_its_length_and_whether_the_connection_stays() {
        let response = HttpResponse::json(429, &serde_json::json!({})).with("retry-after", "3".to_owned());
        let text = String::from_utf8(response.to_bytes(true)).unwrap();
        assert!(text.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{text}");
        assert!(
            text.ends_with("retry-after: 3\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"),
            "{text}"
        );
    }
}
