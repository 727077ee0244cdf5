use super::{Causes, Parameters, WireError, pad, padded, truncated, u16_at, u32_at};

/// Chunk types. Spec: RFC 9260 §3.2 table 1
pub mod kind {
    /// Payload data.
    pub const DATA: u8 = 0;
    /// Initiation.
    pub const INIT: u8 = 1;
    /// Initiation acknowledgement.
    pub const INIT_ACK: u8 = 2;
    /// Selective acknowledgement.
    pub const SACK: u8 = 3;
    /// Heartbeat request.
    pub const HEARTBEAT: u8 = 4;
    /// Heartbeat acknowledgement.
    pub const HEARTBEAT_ACK: u8 = 5;
    /// Abort.
    pub const ABORT: u8 = 6;
    /// Shutdown.
    pub const SHUTDOWN: u8 = 7;
    /// Shutdown acknowledgement.
    pub const SHUTDOWN_ACK: u8 = 8;
    /// Operation error.
    pub const ERROR: u8 = 9;
    /// State cookie.
    pub const COOKIE_ECHO: u8 = 10;
    /// Cookie acknowledgement.
    pub const COOKIE_ACK: u8 = 11;
    /// Shutdown complete.
    pub const SHUTDOWN_COMPLETE: u8 = 14;
    /// FORWARD-TSN of RFC 3758: not spoken here, so it is an unknown chunk that is skipped and reported.
    pub const FORWARD_TSN: u8 = 192;
}

/// A chunk as its type, flags and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawChunk<'a> {
    /// Chunk type.
    pub kind: u8,
    /// Chunk flags.
    pub flags: u8,
    /// The value, without padding.
    pub value: &'a [u8],
    /// The whole chunk, header included, without padding.
    pub whole: &'a [u8],
}

/// Goes through the chunks of a packet.
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// Chunks in `body`, what follows the common header.
    pub fn new(body: &'a [u8]) -> Chunks<'a> {
        Chunks { rest: body }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<RawChunk<'a>, WireError>;

    /// The next chunk; after an error there is none. The last chunk may lack its padding.
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let len = usize::from(u16_at(self.rest, 2));
        let whole = match self.rest.get(..len) {
            Some(whole) if len >= 4 => whole,
            _ => {
                self.rest = &[];
                return Some(Err(truncated("a chunk", "3.2")));
            }
        };
        self.rest = self.rest.get(padded(len)..).unwrap_or(&[]);
        Some(Ok(RawChunk { kind: whole[0], flags: whole[1], value: &whole[4..], whole }))
    }
}

/// A DATA chunk: one message or a fragment of one. Spec: RFC 9260 §3.3.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// I: the sender asks for a SACK without delay.
    pub immediate: bool,
    /// U: not ordered within its stream.
    pub unordered: bool,
    /// B: first fragment.
    pub begin: bool,
    /// E: last fragment.
    pub end: bool,
    /// Transmission sequence number.
    pub tsn: u32,
    /// Stream identifier.
    pub stream: u16,
    /// Stream sequence number.
    pub ssn: u16,
    /// Payload protocol identifier.
    pub ppid: u32,
    /// The user's octets, 1 or more where the peer keeps to the rules.
    pub payload: &'a [u8],
}

impl<'a> Data<'a> {
    /// Octets of a DATA chunk before the payload.
    pub const HEADER_LEN: usize = 16;

    fn decode(raw: &RawChunk<'a>) -> Result<Data<'a>, WireError> {
        let v = raw.value;
        let payload = v.get(12..).ok_or(truncated("DATA", "3.3.1"))?;
        Ok(Data {
            immediate: raw.flags & 8 != 0,
            unordered: raw.flags & 4 != 0,
            begin: raw.flags & 2 != 0,
            end: raw.flags & 1 != 0,
            tsn: u32_at(v, 0),
            stream: u16_at(v, 4),
            ssn: u16_at(v, 6),
            ppid: u32_at(v, 8),
            payload,
        })
    }
}

/// INIT or INIT ACK. Spec: RFC 9260 §3.3.2, §3.3.3
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Init<'a> {
    /// Initiate tag: the tag that its sender wants to see.
    pub tag: u32,
    /// Advertised receiver window, octets.
    pub a_rwnd: u32,
    /// Outbound streams its sender wants.
    pub outbound: u16,
    /// Inbound streams its sender allows.
    pub inbound: u16,
    /// Initial TSN.
    pub tsn: u32,
    /// Its parameters.
    pub parameters: Parameters<'a>,
}

impl<'a> Init<'a> {
    fn decode(raw: &RawChunk<'a>) -> Result<Init<'a>, WireError> {
        let v = raw.value;
        let rest = v.get(16..).ok_or(truncated("INIT", "3.3.2"))?;
        Ok(Init {
            tag: u32_at(v, 0),
            a_rwnd: u32_at(v, 4),
            outbound: u16_at(v, 8),
            inbound: u16_at(v, 10),
            tsn: u32_at(v, 12),
            parameters: Parameters::new(rest),
        })
    }
}

/// SACK; the blocks and duplicates stay as they came. Spec: RFC 9260 §3.3.4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sack<'a> {
    /// Cumulative TSN ack.
    pub cumulative: u32,
    /// Advertised receiver window, octets.
    pub a_rwnd: u32,
    gaps: &'a [u8],
    duplicates: &'a [u8],
}

impl<'a> Sack<'a> {
    fn decode(raw: &RawChunk<'a>) -> Result<Sack<'a>, WireError> {
        let v = raw.value;
        let short = truncated("SACK", "3.3.4");
        let (n_gaps, n_duplicates) = (usize::from(u16_at(v, 8)), usize::from(u16_at(v, 10)));
        let (gaps, duplicates) = v.get(12..).ok_or(short)?.split_at_checked(4 * n_gaps).ok_or(short)?;
        let duplicates = duplicates.get(..4 * n_duplicates).ok_or(short)?;
        Ok(Sack { cumulative: u32_at(v, 0), a_rwnd: u32_at(v, 4), gaps, duplicates })
    }
    /// Gap ack blocks: offsets of first and last TSN from the cumulative one.
    pub fn gaps(&self) -> impl Iterator<Item = (u16, u16)> + Clone + use<'a> {
        self.gaps.chunks_exact(4).map(|g| (u16_at(g, 0), u16_at(g, 2)))
    }
    /// TSNs that came more than once.
    pub fn duplicates(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.duplicates.chunks_exact(4).map(|d| u32_at(d, 0))
    }
}

/// A chunk that is understood, or that there is one that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// DATA.
    Data(Data<'a>),
    /// INIT.
    Init(Init<'a>),
    /// INIT ACK.
    InitAck(Init<'a>),
    /// SACK.
    Sack(Sack<'a>),
    /// HEARTBEAT with its parameters as they came. Spec: RFC 9260 §3.3.5
    Heartbeat(&'a [u8]),
    /// HEARTBEAT ACK with the parameters of the HEARTBEAT. Spec: RFC 9260 §3.3.6
    HeartbeatAck(Parameters<'a>),
    /// ABORT. Spec: RFC 9260 §3.3.7
    Abort {
        /// T: the tag in the header is the sender's own, reflected.
        reflected: bool,
        /// Why.
        causes: Causes<'a>,
    },
    /// SHUTDOWN with its cumulative TSN ack. Spec: RFC 9260 §3.3.8
    Shutdown(u32),
    /// SHUTDOWN ACK. Spec: RFC 9260 §3.3.9
    ShutdownAck,
    /// ERROR. Spec: RFC 9260 §3.3.10
    Error(Causes<'a>),
    /// COOKIE ECHO with the cookie. Spec: RFC 9260 §3.3.11
    CookieEcho(&'a [u8]),
    /// COOKIE ACK. Spec: RFC 9260 §3.3.12
    CookieAck,
    /// SHUTDOWN COMPLETE. Spec: RFC 9260 §3.3.13
    ShutdownComplete {
        /// T: the tag in the header is the sender's own, reflected.
        reflected: bool,
    },
    /// Another one: see [`RawChunk::stops`] and [`RawChunk::reports`].
    Unknown,
}

impl<'a> RawChunk<'a> {
    /// The chunk that it is. Errors: shorter than its fixed part.
    pub fn decode(&self) -> Result<Chunk<'a>, WireError> {
        Ok(match self.kind {
            kind::DATA => Chunk::Data(Data::decode(self)?),
            kind::INIT => Chunk::Init(Init::decode(self)?),
            kind::INIT_ACK => Chunk::InitAck(Init::decode(self)?),
            kind::SACK => Chunk::Sack(Sack::decode(self)?),
            kind::HEARTBEAT => Chunk::Heartbeat(self.value),
            kind::HEARTBEAT_ACK => Chunk::HeartbeatAck(Parameters::new(self.value)),
            kind::ABORT => Chunk::Abort { reflected: self.flags & 1 != 0, causes: Causes::new(self.value) },
            kind::SHUTDOWN if self.value.len() < 4 => return Err(truncated("SHUTDOWN", "3.3.8")),
            kind::SHUTDOWN => Chunk::Shutdown(u32_at(self.value, 0)),
            kind::SHUTDOWN_ACK => Chunk::ShutdownAck,
            kind::ERROR => Chunk::Error(Causes::new(self.value)),
            kind::COOKIE_ECHO => Chunk::CookieEcho(self.value),
            kind::COOKIE_ACK => Chunk::CookieAck,
            kind::SHUTDOWN_COMPLETE => Chunk::ShutdownComplete { reflected: self.flags & 1 != 0 },
            _ => Chunk::Unknown,
        })
    }
    /// Where it is unknown: whether the rest of the packet is discarded. Spec: RFC 9260 §3.2
    pub const fn stops(&self) -> bool {
        self.kind & 0x80 == 0
    }
    /// Where it is unknown: whether an ERROR tells its sender. Spec: RFC 9260 §3.2
    pub const fn reports(&self) -> bool {
        self.kind & 0x40 != 0
    }
}

/// Appends a chunk with its padding. A value that its length field cannot say is cut.
pub(crate) fn put_chunk(out: &mut Vec<u8>, kind: u8, flags: u8, value: &[u8]) {
    let from = out.len();
    let value = &value[..value.len().min(usize::from(u16::MAX) - 4)];
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&(value.len() as u16 + 4).to_be_bytes());
    out.extend_from_slice(value);
    pad(out, from);
}

/// Appends a DATA chunk with its padding.
pub(crate) fn put_data(out: &mut Vec<u8>, d: &Data<'_>) {
    let from = out.len();
    let flags = u8::from(d.immediate) << 3 | u8::from(d.unordered) << 2 | u8::from(d.begin) << 1 | u8::from(d.end);
    let mut head = [0; Data::HEADER_LEN];
    head[1] = flags;
    head[2..4].copy_from_slice(&((d.payload.len() + Data::HEADER_LEN) as u16).to_be_bytes());
    head[4..8].copy_from_slice(&d.tsn.to_be_bytes());
    head[8..10].copy_from_slice(&d.stream.to_be_bytes());
    head[10..12].copy_from_slice(&d.ssn.to_be_bytes());
    head[12..16].copy_from_slice(&d.ppid.to_be_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(d.payload);
    pad(out, from);
}

/// Appends INIT or INIT ACK; `parameters` are padded, but for the last.
pub(crate) fn put_init(out: &mut Vec<u8>, kind: u8, init: &Init<'_>) {
    let mut value = Vec::with_capacity(16 + init.parameters.rest().len());
    value.extend_from_slice(&init.tag.to_be_bytes());
    value.extend_from_slice(&init.a_rwnd.to_be_bytes());
    value.extend_from_slice(&init.outbound.to_be_bytes());
    value.extend_from_slice(&init.inbound.to_be_bytes());
    value.extend_from_slice(&init.tsn.to_be_bytes());
    value.extend_from_slice(init.parameters.rest());
    put_chunk(out, kind, 0, &value);
}

/// Appends a SACK of at most `room` octets: of blocks first, then of duplicates, only so many as fit.
pub(crate) fn put_sack(
    out: &mut Vec<u8>,
    (cumulative, a_rwnd): (u32, u32),
    gaps: &[(u16, u16)],
    duplicates: &[u32],
    room: usize,
) {
    let gaps = &gaps[..gaps.len().min(room.saturating_sub(16) / 4)];
    let duplicates = &duplicates[..duplicates.len().min(room.saturating_sub(16) / 4 - gaps.len())];
    let mut value = Vec::with_capacity(12 + 4 * (gaps.len() + duplicates.len()));
    value.extend_from_slice(&cumulative.to_be_bytes());
    value.extend_from_slice(&a_rwnd.to_be_bytes());
    value.extend_from_slice(&(gaps.len() as u16).to_be_bytes());
    value.extend_from_slice(&(duplicates.len() as u16).to_be_bytes());
    for (first, last) in gaps {
        value.extend_from_slice(&first.to_be_bytes());
        value.extend_from_slice(&last.to_be_bytes());
    }
    duplicates.iter().for_each(|tsn| value.extend_from_slice(&tsn.to_be_bytes()));
    put_chunk(out, super::kind::SACK, 0, &value);
}
