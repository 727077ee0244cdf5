//! The servers inside the data network: DNS for `ironcell.test`, and HTTP with a page about the very connection that asks.
//!
//! Pure: requests in, responses out. The gateway moves the bytes.

use sha2::{Digest, Sha256};
use simple_dns::rdata::{A, AAAA, RData};
use simple_dns::{CLASS, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The name that the data network itself serves.
pub const TEST_NAME: &str = "ironcell.test";
/// Largest body of a generated download or an accepted upload.
pub const TRANSFER_BYTES_MAX: u64 = 1 << 34;

/// What a DNS query asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DnsQuestion {
    /// Its number.
    pub id: u16,
    /// The name, lower case, without a trailing dot.
    pub name: String,
    /// AAAA rather than A.
    pub ipv6: bool,
    query: Vec<u8>,
}

/// Reads a DNS query; `None` if it is none or asks for other than one A or AAAA record.
pub fn dns_question(query: &[u8]) -> Option<DnsQuestion> {
    let p = Packet::parse(query).ok()?;
    let [q] = &p.questions[..] else { return None };
    let ipv6 = match q.qtype {
        QTYPE::TYPE(TYPE::A) => false,
        QTYPE::TYPE(TYPE::AAAA) => true,
        _ => return None,
    };
    let name = q.qname.to_string().trim_end_matches('.').to_ascii_lowercase();
    (!p.has_flags(PacketFlag::RESPONSE)).then(|| DnsQuestion { id: p.id(), name, ipv6, query: query.to_vec() })
}

/// The answer to `question`: `addresses` of its kind, or a name error if `known` is false.
pub fn dns_answer(question: &DnsQuestion, known: bool, addresses: &[IpAddr]) -> Option<Vec<u8>> {
    let p = Packet::parse(&question.query).ok()?;
    let name = p.questions.first()?.qname.clone();
    let mut reply = p.into_reply();
    // What else the query held is not ours to repeat.
    reply.answers.clear();
    reply.name_servers.clear();
    reply.additional_records.clear();
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    if !known {
        *reply.rcode_mut() = RCODE::NameError;
    }
    for a in addresses {
        let data = match a {
            IpAddr::V4(v4) if !question.ipv6 => RData::A(A { address: (*v4).into() }),
            IpAddr::V6(v6) if question.ipv6 => RData::AAAA(AAAA { address: (*v6).into() }),
            _ => continue,
        };
        reply.answers.push(ResourceRecord::new(name.clone(), CLASS::IN, 60, data));
    }
    reply.build_bytes_vec().ok()
}

/// A query for `name`.
pub fn dns_query(id: u16, name: &str, ipv6: bool) -> Option<Vec<u8>> {
    let mut p = Packet::new_query(id);
    p.set_flags(PacketFlag::RECURSION_DESIRED);
    let t = if ipv6 { TYPE::AAAA } else { TYPE::A };
    p.questions.push(simple_dns::Question::new(
        simple_dns::Name::new(name).ok()?.into_owned(),
        QTYPE::TYPE(t),
        simple_dns::QCLASS::CLASS(CLASS::IN),
        false,
    ));
    p.build_bytes_vec().ok()
}

/// The addresses in an answer to the query with number `id`; `None` if it is no such answer.
pub fn dns_addresses(id: u16, answer: &[u8]) -> Option<Vec<IpAddr>> {
    let p = Packet::parse(answer).ok()?;
    if p.id() != id || !p.has_flags(PacketFlag::RESPONSE) {
        return None;
    }
    let address = |r: &ResourceRecord| match &r.rdata {
        RData::A(a) => Some(IpAddr::V4(Ipv4Addr::from(a.address))),
        RData::AAAA(a) => Some(IpAddr::V6(Ipv6Addr::from(a.address))),
        _ => None,
    };
    Some(p.answers.iter().filter_map(address).collect())
}

/// The bytes of a generated download: a stream that a number fixes, so that any part can be made when it is sent.
#[derive(Clone, Debug)]
pub struct Pattern {
    state: u64,
    left: u64,
    word: [u8; 8],
    used: usize,
}

impl Pattern {
    /// `len` bytes.
    pub fn new(seed: u64, len: u64) -> Self {
        Self { state: seed | 1, left: len, word: [0; 8], used: 8 }
    }
    fn next_word(&mut self) -> [u8; 8] {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()
    }
    /// Fills the front of `out`; the number of bytes made, 0 only at the end or for an empty `out`.
    pub fn read(&mut self, out: &mut [u8]) -> usize {
        let n = (out.len() as u64).min(self.left) as usize;
        let mut i = 0;
        while i < n {
            if self.used == 8 && n - i >= 8 {
                let w = self.next_word();
                out[i..i + 8].copy_from_slice(&w);
                i += 8;
                continue;
            }
            if self.used == 8 {
                self.word = self.next_word();
                self.used = 0;
            }
            out[i] = self.word[self.used];
            self.used += 1;
            i += 1;
        }
        self.left -= n as u64;
        n
    }
    /// Bytes still to come.
    pub fn left(&self) -> u64 {
        self.left
    }
    /// SHA-256 of what is still to come.
    pub fn digest(&self) -> [u8; 32] {
        let mut p = self.clone();
        let mut h = Sha256::new();
        let mut buffer = [0u8; 8192];
        loop {
            let n = p.read(&mut buffer);
            if n == 0 {
                return h.finalize().into();
            }
            h.update(&buffer[..n]);
        }
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What a server connection does next.
#[derive(Debug)]
enum HttpState {
    Head,
    Upload { left: u64, total: u64, hash: Box<Sha256>, want: Option<String> },
    Done,
}

/// One connection of the HTTP server: bytes in, bytes out.
#[derive(Debug)]
pub struct HttpServer {
    input: Vec<u8>,
    output: Vec<u8>,
    body: Option<Pattern>,
    state: HttpState,
}

impl Default for HttpServer {
    fn default() -> Self {
        Self { input: Vec::new(), output: Vec::new(), body: None, state: HttpState::Head }
    }
}

/// Longest request head.
const HEAD_BYTES_MAX: usize = 8192;

impl HttpServer {
    /// Bytes of the client. `page` makes the page about the connection, `status` the same as JSON.
    pub fn push(&mut self, bytes: &[u8], page: &dyn Fn() -> String, status: &dyn Fn() -> String) {
        match &mut self.state {
            HttpState::Head => {
                self.input.extend_from_slice(bytes);
                self.head(page, status);
            }
            HttpState::Upload { .. } => self.upload(bytes),
            HttpState::Done => {}
        }
    }
    fn head(&mut self, page: &dyn Fn() -> String, status: &dyn Fn() -> String) {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        let end = match request.parse(&self.input) {
            Ok(httparse::Status::Complete(n)) => n,
            Ok(httparse::Status::Partial) if self.input.len() < HEAD_BYTES_MAX => return,
            _ => return self.reply(400, "text/plain", "bad request\n"),
        };
        let header = |name: &str| {
            let h = request.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name))?;
            core::str::from_utf8(h.value).ok().map(str::trim)
        };
        let length: u64 = header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        let want = header("x-content-sha256").map(str::to_owned);
        // A proxy's client may send the absolute form.
        let target = request.path.unwrap_or("/");
        let target = target.strip_prefix("http://").map_or(target, |t| t.find('/').map_or("/", |i| &t[i..])).to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let get = request.method == Some("GET");
        match (request.method, path) {
            (Some("GET"), "/") => self.reply(200, "text/html; charset=utf-8", &page()),
            (Some("GET"), "/status.json") => self.reply(200, "application/json", &status()),
            (Some("GET"), "/download") => self.download(query),
            (Some("POST" | "PUT"), "/upload") if length <= TRANSFER_BYTES_MAX => {
                let rest = self.input.split_off(end);
                self.input = Vec::new();
                self.state = HttpState::Upload { left: length, total: length, hash: Box::default(), want };
                self.upload(&rest);
            }
            _ if get => self.reply(404, "text/plain", "not here: try / or /download?bytes=N, or POST to /upload\n"),
            _ => self.reply(405, "text/plain", "only GET, and POST to /upload\n"),
        }
    }
    fn download(&mut self, query: &str) {
        let n = query.split('&').find_map(|p| p.strip_prefix("bytes=")).and_then(|v| v.parse::<u64>().ok());
        let seed = query.split('&').find_map(|p| p.strip_prefix("seed=")).and_then(|v| v.parse().ok()).unwrap_or(1);
        let Some(n) = n.filter(|n| *n <= TRANSFER_BYTES_MAX) else {
            return self.reply(400, "text/plain", "bytes=N is missing or too large\n");
        };
        let body = Pattern::new(seed, n);
        // Announcing the digest means making the stream twice; beyond some megabytes nobody asks for it.
        let digest =
            if n <= 64 << 20 { format!("X-Content-SHA256: {}\r\n", hex(&body.digest())) } else { String::new() };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {n}\r\n{digest}Connection: close\r\n\r\n"
        );
        self.output.extend_from_slice(head.as_bytes());
        self.body = Some(body);
        self.state = HttpState::Done;
    }
    fn upload(&mut self, bytes: &[u8]) {
        let HttpState::Upload { left, total, hash, want } = &mut self.state else { return };
        let n = (bytes.len() as u64).min(*left);
        hash.update(&bytes[..n as usize]);
        *left -= n;
        if *left == 0 {
            let got = hex(&hash.clone().finalize());
            let ok = want.as_ref().is_none_or(|w| w.eq_ignore_ascii_case(&got));
            let body = format!("{{\"bytes\":{total},\"sha256\":\"{got}\",\"ok\":{ok}}}\n");
            self.reply(if ok { 200 } else { 422 }, "application/json", &body);
        }
    }
    fn reply(&mut self, code: u16, kind: &str, body: &str) {
        let reason = match code {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            _ => "Unprocessable Content",
        };
        let head = format!(
            "HTTP/1.1 {code} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        self.output.extend_from_slice(head.as_bytes());
        self.output.extend_from_slice(body.as_bytes());
        self.state = HttpState::Done;
    }
    /// Copies what is to be sent into `out`; the number of bytes.
    pub fn pull(&mut self, out: &mut [u8]) -> usize {
        if !self.output.is_empty() {
            let n = out.len().min(self.output.len());
            out[..n].copy_from_slice(&self.output[..n]);
            self.output.drain(..n);
            return n;
        }
        self.body.as_mut().map_or(0, |b| b.read(out))
    }
    /// Everything has been sent: close.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, HttpState::Done)
            && self.output.is_empty()
            && self.body.as_ref().is_none_or(|b| b.left() == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(request: &[u8]) -> String {
        let mut s = HttpServer::default();
        // One byte at a time: a stream has no message boundaries.
        for b in request {
            s.push(&[*b], &|| "PAGE".into(), &|| "{}".into());
        }
        let mut out = Vec::new();
        let mut buffer = [0u8; 64];
        loop {
            let n = s.pull(&mut buffer);
            if n == 0 {
                break;
            }
            out.extend_from_slice(&buffer[..n]);
        }
        assert!(s.is_finished() || request.is_empty());
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test] // Spec: RFC 9112
    fn http_server_serves_page_download_and_upload() {
        assert!(ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("PAGE"));
        assert!(ask(b"GET http://ironcell.test/ HTTP/1.1\r\n\r\n").ends_with("PAGE"));
        assert!(ask(b"GET /nothing HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(ask(b"\x00\xff nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
        assert!(ask(b"GET /download?bytes=99999999999999 HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400"));
        assert!(ask(b"GET /download?bytes=100 HTTP/1.1\r\n\r\n").contains("X-Content-SHA256: "));
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let good = format!("POST /upload HTTP/1.1\r\nContent-Length: 3\r\nX-Content-SHA256: {abc}\r\n\r\nabc");
        assert!(ask(good.as_bytes()).contains("\"ok\":true"));
        assert!(ask(good.replace("\r\nabc", "\r\nabd").as_bytes()).contains("\"ok\":false"));
    }

    #[test] // Spec: ironcell docs (transfer pattern)
    fn pattern_does_not_depend_on_how_it_is_cut() {
        let whole = Pattern::new(5, 1001).digest();
        let mut p = Pattern::new(5, 1001);
        let mut h = Sha256::new();
        let mut buffer = [0u8; 33];
        loop {
            let n = p.read(&mut buffer);
            if n == 0 {
                break;
            }
            h.update(&buffer[..n]);
        }
        assert_eq!(<[u8; 32]>::from(h.finalize()), whole);
        assert_ne!(Pattern::new(7, 1001).digest(), whole);
    }

    #[test] // Spec: RFC 1035
    fn dns_answers_what_was_asked() {
        let q = dns_query(7, "Ironcell.test", false).unwrap();
        let question = dns_question(&q).unwrap();
        assert_eq!((question.name.as_str(), question.ipv6, question.id), ("ironcell.test", false, 7));
        let a: IpAddr = "10.45.0.1".parse().unwrap();
        let v6: IpAddr = "fd00::1".parse().unwrap();
        let answer = dns_answer(&question, true, &[v6, a]).unwrap();
        assert_eq!(dns_addresses(7, &answer), Some(vec![a]));
        assert_eq!(dns_addresses(8, &answer), None);
        assert!(dns_question(&answer).is_none());
        assert!(dns_question(&[0; 5]).is_none());
    }
}
