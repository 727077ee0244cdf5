//! Causes. Spec: TS 38.413 §9.3.1.2

use crate::asn1;

/// The group of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseGroup {
    /// Radio network layer.
    RadioNetwork,
    /// Transport layer.
    Transport,
    /// NAS.
    Nas,
    /// Protocol.
    Protocol,
    /// Miscellaneous.
    Misc,
}

macro_rules! causes {
    ($( $name:ident = $group:ident $asn_group:ident $asn_type:ident $asn:ident $text:literal, )*) => {
        /// Why something was done or refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Cause {
            $( $name, )*
            /// One that this crate has no name for; written as "unspecified" of its group.
            Other(CauseGroup),
        }

        impl Cause {
            /// The cause as the specification words it.
            pub fn name(self) -> &'static str {
                match self { $( Self::$name => $text, )* Self::Other(_) => "other" }
            }
            /// Its group.
            pub fn group(self) -> CauseGroup {
                match self { $( Self::$name => CauseGroup::$group, )* Self::Other(group) => group }
            }
            pub(crate) fn to_asn1(self) -> asn1::Cause {
                match self {
                    $( Self::$name => asn1::Cause::$asn_group(asn1::$asn_type::$asn), )*
                    Self::Other(CauseGroup::RadioNetwork) => Self::RadioUnspecified.to_asn1(),
                    Self::Other(CauseGroup::Transport) => Self::TransportUnspecified.to_asn1(),
                    Self::Other(CauseGroup::Nas) => Self::NasUnspecified.to_asn1(),
                    Self::Other(CauseGroup::Protocol) => Self::ProtocolUnspecified.to_asn1(),
                    Self::Other(CauseGroup::Misc) => Self::MiscUnspecified.to_asn1(),
                }
            }
            pub(crate) fn from_asn1(cause: &asn1::Cause) -> Self {
                match cause {
                    $( asn1::Cause::$asn_group(asn1::$asn_type::$asn) => Self::$name, )*
                    asn1::Cause::radioNetwork(_) => Self::Other(CauseGroup::RadioNetwork),
                    asn1::Cause::transport(_) => Self::Other(CauseGroup::Transport),
                    asn1::Cause::nas(_) => Self::Other(CauseGroup::Nas),
                    asn1::Cause::protocol(_) => Self::Other(CauseGroup::Protocol),
                    _ => Self::Other(CauseGroup::Misc),
                }
            }
        }
    };
}

causes! {
    RadioUnspecified = RadioNetwork radioNetwork CauseRadioNetwork unspecified "unspecified (radio network)",
    ReleaseDueToNgRanGeneratedReason = RadioNetwork radioNetwork CauseRadioNetwork release_due_to_ngran_generated_reason
        "release due to NG-RAN generated reason",
    ReleaseDueTo5gcGeneratedReason = RadioNetwork radioNetwork CauseRadioNetwork release_due_to_5gc_generated_reason
        "release due to 5GC generated reason",
    CellNotAvailable = RadioNetwork radioNetwork CauseRadioNetwork cell_not_available "cell not available",
    UnknownLocalUeNgapId = RadioNetwork radioNetwork CauseRadioNetwork unknown_local_UE_NGAP_ID "unknown local UE NGAP ID",
    InconsistentRemoteUeNgapId = RadioNetwork radioNetwork CauseRadioNetwork inconsistent_remote_UE_NGAP_ID
        "inconsistent remote UE NGAP ID",
    UserInactivity = RadioNetwork radioNetwork CauseRadioNetwork user_inactivity "user inactivity",
    RadioConnectionWithUeLost = RadioNetwork radioNetwork CauseRadioNetwork radio_connection_with_ue_lost
        "radio connection with UE lost",
    RadioResourcesNotAvailable = RadioNetwork radioNetwork CauseRadioNetwork radio_resources_not_available
        "radio resources not available",
    InvalidQosCombination = RadioNetwork radioNetwork CauseRadioNetwork invalid_qos_combination "invalid QoS combination",
    FailureInRadioInterfaceProcedure = RadioNetwork radioNetwork CauseRadioNetwork failure_in_radio_interface_procedure
        "failure in the radio interface procedure",
    InteractionWithOtherProcedure = RadioNetwork radioNetwork CauseRadioNetwork interaction_with_other_procedure
        "interaction with other procedure",
    UnknownPduSessionId = RadioNetwork radioNetwork CauseRadioNetwork unknown_PDU_session_ID "unknown PDU session ID",
    MultiplePduSessionIdInstances = RadioNetwork radioNetwork CauseRadioNetwork multiple_PDU_session_ID_instances
        "multiple PDU session ID instances",
    AlgorithmsNotSupported = RadioNetwork radioNetwork CauseRadioNetwork
        encryption_and_or_integrity_protection_algorithms_not_supported
        "encryption and/or integrity protection algorithms not supported",
    NotSupported5qi = RadioNetwork radioNetwork CauseRadioNetwork not_supported_5QI_value "not supported 5QI value",
    SliceNotSupported = RadioNetwork radioNetwork CauseRadioNetwork slice_not_supported "slice(s) not supported",
    TransportResourceUnavailable = Transport transport CauseTransport transport_resource_unavailable
        "transport resource unavailable",
    TransportUnspecified = Transport transport CauseTransport unspecified "unspecified (transport)",
    NormalRelease = Nas nas CauseNas normal_release "normal release",
    AuthenticationFailure = Nas nas CauseNas authentication_failure "authentication failure",
    Deregister = Nas nas CauseNas deregister "deregister",
    NasUnspecified = Nas nas CauseNas unspecified "unspecified (NAS)",
    TransferSyntaxError = Protocol protocol CauseProtocol transfer_syntax_error "transfer syntax error",
    AbstractSyntaxErrorReject = Protocol protocol CauseProtocol abstract_syntax_error_reject "abstract syntax error (reject)",
    AbstractSyntaxErrorIgnoreAndNotify = Protocol protocol CauseProtocol abstract_syntax_error_ignore_and_notify
        "abstract syntax error (ignore and notify)",
    MessageNotCompatible = Protocol protocol CauseProtocol message_not_compatible_with_receiver_state
        "message not compatible with receiver state",
    SemanticError = Protocol protocol CauseProtocol semantic_error "semantic error",
    FalselyConstructedMessage = Protocol protocol CauseProtocol abstract_syntax_error_falsely_constructed_message
        "abstract syntax error (falsely constructed message)",
    ProtocolUnspecified = Protocol protocol CauseProtocol unspecified "unspecified (protocol)",
    ControlProcessingOverload = Misc misc CauseMisc control_processing_overload "control processing overload",
    OmIntervention = Misc misc CauseMisc om_intervention "O&M intervention",
    UnknownPlmn = Misc misc CauseMisc unknown_PLMN_or_SNPN "unknown PLMN",
    MiscUnspecified = Misc misc CauseMisc unspecified "unspecified (miscellaneous)",
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
