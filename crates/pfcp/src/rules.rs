//! Rules of a session. Spec: TS 29.244 §5.2.1, §7.5.2 to §7.5.4

use crate::ie::*;
use crate::tlv::group;

group! {
    /// Packet detection information. Spec: TS 29.244 table 7.5.2.2-2
    Pdi {
        /// Where the packet comes from.
        one 20 source_interface: Interface,
        /// The tunnel it comes on.
        opt 21 f_teid: FTeid,
        /// The network it belongs to.
        opt 22 network_instance: NetworkInstance,
        /// The UE's address in it.
        opt 93 ue_ip_address: UeIpAddress,
        /// QoS flows; none means any.
        many 124 qfis: u8,
    }
}

group! {
    /// Create PDR. Spec: TS 29.244 table 7.5.2.2-1
    CreatePdr {
        /// PDR identity.
        one 56 pdr_id: u16,
        /// The lower, the earlier it is tried.
        one 29 precedence: u32,
        /// What it matches.
        one 2 pdi: Pdi,
        /// Outer header removal: 0 GTP-U over IPv4, 1 over IPv6, 6 over either.
        opt 95 outer_header_removal: u8,
        /// What to do with the packet.
        opt 108 far_id: u32,
        /// What to count.
        many 81 urr_ids: u32,
        /// What to enforce.
        many 109 qer_ids: u32,
    }
}

group! {
    /// Update PDR. Spec: TS 29.244 table 7.5.4.2-1
    UpdatePdr {
        /// PDR identity.
        one 56 pdr_id: u16,
        /// Outer header removal.
        opt 95 outer_header_removal: u8,
        /// The lower, the earlier it is tried.
        opt 29 precedence: u32,
        /// What it matches.
        opt 2 pdi: Pdi,
        /// What to do with the packet.
        opt 108 far_id: u32,
    }
}

group! {
    /// Remove PDR. Spec: TS 29.244 table 7.5.4.6-1
    RemovePdr {
        /// PDR identity.
        one 56 pdr_id: u16,
    }
}

group! {
    /// Created PDR. Spec: TS 29.244 table 7.5.3.2-1
    CreatedPdr {
        /// PDR identity.
        one 56 pdr_id: u16,
        /// The tunnel that the UPF chose.
        opt 21 f_teid: FTeid,
    }
}

group! {
    /// Forwarding parameters. Spec: TS 29.244 table 7.5.2.3-2
    ForwardingParameters {
        /// Where to.
        one 42 destination_interface: Interface,
        /// Into which network.
        opt 22 network_instance: NetworkInstance,
        /// In which tunnel.
        opt 84 outer_header_creation: OuterHeaderCreation,
    }
}

group! {
    /// Update forwarding parameters. Spec: TS 29.244 table 7.5.4.3-2
    UpdateForwardingParameters {
        /// Where to.
        opt 42 destination_interface: Interface,
        /// Into which network.
        opt 22 network_instance: NetworkInstance,
        /// In which tunnel.
        opt 84 outer_header_creation: OuterHeaderCreation,
        /// Flags; bit 2 asks for end markers on the old tunnel.
        opt 49 smreq_flags: u8,
    }
}

group! {
    /// Create FAR. Spec: TS 29.244 table 7.5.2.3-1
    CreateFar {
        /// FAR identity.
        one 108 far_id: u32,
        /// What to do.
        one 44 apply_action: ApplyAction,
        /// How to forward.
        opt 4 forwarding: ForwardingParameters,
        /// How to buffer.
        opt 88 bar_id: u8,
    }
}

group! {
    /// Create BAR. Spec: TS 29.244 table 7.5.2.6-1
    CreateBar {
        /// BAR identity.
        one 88 bar_id: u8,
        /// How many packets the SMF would have buffered.
        opt 140 suggested_buffering_packets: u8,
    }
}

group! {
    /// Downlink data report. Spec: TS 29.244 table 7.5.8.2-1
    DownlinkDataReport {
        /// The rules whose packets wait.
        many 56 pdr_ids: u16,
    }
}

group! {
    /// Update FAR. Spec: TS 29.244 table 7.5.4.3-1
    UpdateFar {
        /// FAR identity.
        one 108 far_id: u32,
        /// What to do.
        opt 44 apply_action: ApplyAction,
        /// How to forward.
        opt 11 forwarding: UpdateForwardingParameters,
    }
}

group! {
    /// Remove FAR. Spec: TS 29.244 table 7.5.4.7-1
    RemoveFar {
        /// FAR identity.
        one 108 far_id: u32,
    }
}

group! {
    /// Create QER. Spec: TS 29.244 table 7.5.2.5-1
    CreateQer {
        /// QER identity.
        one 109 qer_id: u32,
        /// Which way packets pass.
        one 25 gate_status: GateStatus,
        /// How fast.
        opt 26 mbr: Mbr,
        /// The QoS flow that downlink packets are marked with.
        opt 124 qfi: u8,
    }
}

group! {
    /// Update QER. Spec: TS 29.244 table 7.5.4.5-1
    UpdateQer {
        /// QER identity.
        one 109 qer_id: u32,
        /// Which way packets pass.
        opt 25 gate_status: GateStatus,
        /// How fast.
        opt 26 mbr: Mbr,
        /// The QoS flow that downlink packets are marked with.
        opt 124 qfi: u8,
    }
}

group! {
    /// Create URR. Spec: TS 29.244 table 7.5.2.4-1
    CreateUrr {
        /// URR identity.
        one 81 urr_id: u32,
        /// Flags: 2 is volume.
        one 62 measurement_method: u8,
        /// When to report.
        one 37 reporting_triggers: Triggers,
    }
}

group! {
    /// Usage report. Spec: TS 29.244 table 7.5.7.2-1
    UsageReport {
        /// URR identity.
        one 81 urr_id: u32,
        /// Counts the reports of this URR.
        one 104 sequence: u32,
        /// Why now.
        one 63 trigger: Triggers,
        /// How much.
        opt 66 volume: Volume,
    }
}

group! {
    /// Error indication report. Spec: TS 29.244 table 7.5.8.4-1
    ErrorIndicationReport {
        /// The tunnels that the peer does not know.
        many 21 f_teids: FTeid,
    }
}
