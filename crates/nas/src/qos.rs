//! QoS rules, QoS flow descriptions and session AMBR. Spec: TS 24.501 §9.11.4.12 to §9.11.4.14

use crate::codec::{Ie, Reader};

/// What is to be done with a QoS rule or flow description. Spec: TS 24.501 table 9.11.4.13.1
pub const OPERATION_CREATE: u8 = 1;
/// Delete an existing one.
pub const OPERATION_DELETE: u8 = 2;

/// A QoS rule. Spec: TS 24.501 §9.11.4.13
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QosRule {
    /// QoS rule identifier.
    pub id: u8,
    /// Rule operation code, 1 to 6.
    pub operation: u8,
    /// Whether this is the default QoS rule.
    pub default: bool,
    /// Its packet filters.
    pub filters: Vec<PacketFilter>,
    /// Precedence, 255 is evaluated last; absent when a rule is deleted.
    pub precedence: Option<u8>,
    /// QoS flow, 1 to 63; absent when a rule is deleted.
    pub qfi: Option<u8>,
}

/// A packet filter. Spec: TS 24.501 figure 9.11.4.13.4
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketFilter {
    /// 1 downlink, 2 uplink, 3 both.
    pub direction: u8,
    /// Its identifier, 0 to 15.
    pub id: u8,
    /// Its components as octets; `[1]` matches everything.
    pub components: Vec<u8>,
}

impl QosRule {
    /// The default rule that matches everything, on this QoS flow.
    pub fn default_match_all(qfi: u8) -> Self {
        let filter = PacketFilter { direction: 3, id: 1, components: vec![1] };
        Self {
            id: 1,
            operation: OPERATION_CREATE,
            default: true,
            filters: vec![filter],
            precedence: Some(255),
            qfi: Some(qfi),
        }
    }
}

/// A list of QoS rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QosRules(pub Vec<QosRule>);

impl QosRules {
    /// The QoS flow of the default rule.
    pub fn default_qfi(&self) -> Option<u8> {
        self.0.iter().find(|rule| rule.default).and_then(|rule| rule.qfi)
    }
}

impl Ie for QosRules {
    fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader(value);
        let mut rules = Vec::new();
        while let Some(id) = reader.u8() {
            let mut rule = Reader(reader.lve()?);
            let head = rule.u8()?;
            let operation = head >> 5;
            let mut filters = Vec::new();
            for _ in 0..head & 15 {
                let head = rule.u8()?;
                // Deleted filters are named by identifier only (table 9.11.4.13.1, operation 5).
                let components = if operation == 5 { Vec::new() } else { rule.lv()?.to_vec() };
                filters.push(PacketFilter { direction: head >> 4 & 3, id: head & 15, components });
            }
            let precedence = rule.u8();
            let qfi = rule.u8().map(|octet| octet & 63);
            rules.push(QosRule { id, operation, default: head & 16 != 0, filters, precedence, qfi });
        }
        Some(Self(rules))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        for rule in &self.0 {
            out.push(rule.id);
            let mut body = vec![rule.operation << 5 | u8::from(rule.default) << 4 | rule.filters.len().min(15) as u8];
            for filter in rule.filters.iter().take(15) {
                body.push((filter.direction & 3) << 4 | filter.id & 15);
                if rule.operation != 5 {
                    crate::codec::put_lv(&filter.components, &mut body);
                }
            }
            body.extend(rule.precedence);
            body.extend(rule.qfi.map(|qfi| qfi & 63));
            crate::codec::put_lve(&body, out);
        }
    }
}

/// A QoS flow description. Spec: TS 24.501 §9.11.4.12
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QosFlowDescription {
    /// QoS flow, 1 to 63.
    pub qfi: u8,
    /// 1 create, 2 delete, 3 modify.
    pub operation: u8,
    /// Whether its parameters replace all others (E bit).
    pub parameters_given: bool,
    /// Parameter identifiers with their contents; 1 is the 5QI.
    pub parameters: Vec<(u8, Vec<u8>)>,
}

impl QosFlowDescription {
    /// A new flow of this 5QI.
    pub fn of_5qi(qfi: u8, five_qi: u8) -> Self {
        Self { qfi, operation: OPERATION_CREATE, parameters_given: true, parameters: vec![(1, vec![five_qi])] }
    }
    /// Its 5QI.
    pub fn five_qi(&self) -> Option<u8> {
        self.parameters.iter().find(|(id, _)| *id == 1).and_then(|(_, value)| value.first().copied())
    }
}

/// A list of QoS flow descriptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QosFlowDescriptions(pub Vec<QosFlowDescription>);

impl Ie for QosFlowDescriptions {
    fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader(value);
        let mut list = Vec::new();
        while let Some(qfi) = reader.u8() {
            let (operation, head) = (reader.u8()? >> 5, reader.u8()?);
            let mut parameters = Vec::new();
            for _ in 0..head & 63 {
                parameters.push((reader.u8()?, reader.lv()?.to_vec()));
            }
            list.push(QosFlowDescription { qfi: qfi & 63, operation, parameters_given: head & 64 != 0, parameters });
        }
        Some(Self(list))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        for flow in &self.0 {
            let count = flow.parameters.len().min(63) as u8;
            out.extend_from_slice(&[flow.qfi & 63, flow.operation << 5, u8::from(flow.parameters_given) << 6 | count]);
            for (id, content) in flow.parameters.iter().take(63) {
                out.push(*id);
                crate::codec::put_lv(content, out);
            }
        }
    }
}

/// Session AMBR: value and unit each way. Spec: TS 24.501 §9.11.4.14
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionAmbr {
    /// Downlink, kbit/s.
    pub downlink_kbps: u64,
    /// Uplink, kbit/s.
    pub uplink_kbps: u64,
}

/// The unit of a code in kbit/s: 1, 4, 16, 64, 256 kbit/s, then the same in Mbit/s, Gbit/s, Tbit/s.
fn unit_kbps(code: u8) -> u64 {
    match code {
        0 => 0,
        _ => 1000u64.pow(u32::from(code.min(20) - 1) / 5) * 4u64.pow(u32::from(code.min(20) - 1) % 5),
    }
}

/// Unit code and value of a rate: in Mbit/s if that says it exactly, else in the finest unit that does, else rounded up.
fn rate(kbps: u64) -> (u8, u16) {
    let exact = |code: &u8| kbps.is_multiple_of(unit_kbps(*code)) && kbps / unit_kbps(*code) <= 65_535;
    let fits = |code: &u8| kbps.div_ceil(unit_kbps(*code)) <= 65_535;
    let code = [6].into_iter().chain(1..=20).find(exact).or((1..=20).find(fits)).unwrap_or(20);
    (code, kbps.div_ceil(unit_kbps(code)).min(65_535) as u16)
}

impl Ie for SessionAmbr {
    fn decode(value: &[u8]) -> Option<Self> {
        let [d, d0, d1, u, u0, u1] = *value.first_chunk()?;
        Some(Self {
            downlink_kbps: unit_kbps(d) * u64::from(u16::from_be_bytes([d0, d1])),
            uplink_kbps: unit_kbps(u) * u64::from(u16::from_be_bytes([u0, u1])),
        })
    }
    fn encode(&self, out: &mut Vec<u8>) {
        for (unit, value) in [rate(self.downlink_kbps), rate(self.uplink_kbps)] {
            out.push(unit);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}
