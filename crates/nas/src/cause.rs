//! Causes, with the names that the specification gives them. Spec: TS 24.501 §9.11.3.2, §9.11.4.2

use crate::codec::Ie;

macro_rules! causes {
    ($(#[$meta:meta])* $name:ident, $clause:literal { $($konst:ident = $value:literal $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u8);

        #[allow(missing_docs)]
        impl $name {
            $( pub const $konst: Self = Self($value); )*
        }

        impl $name {
            /// The clause that lists the causes.
            pub const CLAUSE: &'static str = $clause;

            /// The cause as the specification words it, "unknown cause" for a number it does not list.
            pub fn name(self) -> &'static str {
                match self.0 { $( $value => $text, )* _ => "unknown cause" }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "#{} ({})", self.0, self.name())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl Ie for $name {
            const LEN: usize = 1;
            fn decode(value: &[u8]) -> Option<Self> {
                value.first().map(|v| Self(*v))
            }
            fn encode(&self, out: &mut Vec<u8>) {
                out.push(self.0);
            }
        }
    };
}

causes! {
    /// A 5GMM cause. Spec: TS 24.501 table 9.11.3.2.1
    GmmCause, "TS 24.501 §9.11.3.2" {
        ILLEGAL_UE = 3 "Illegal UE",
        PEI_NOT_ACCEPTED = 5 "PEI not accepted",
        ILLEGAL_ME = 6 "Illegal ME",
        SERVICES_NOT_ALLOWED = 7 "5GS services not allowed",
        IDENTITY_CANNOT_BE_DERIVED = 9 "UE identity cannot be derived by the network",
        IMPLICITLY_DEREGISTERED = 10 "Implicitly de-registered",
        PLMN_NOT_ALLOWED = 11 "PLMN not allowed",
        TRACKING_AREA_NOT_ALLOWED = 12 "Tracking area not allowed",
        ROAMING_NOT_ALLOWED = 13 "Roaming not allowed in this tracking area",
        NO_SUITABLE_CELLS = 15 "No suitable cells in tracking area",
        MAC_FAILURE = 20 "MAC failure",
        SYNCH_FAILURE = 21 "Synch failure",
        CONGESTION = 22 "Congestion",
        SECURITY_CAPABILITIES_MISMATCH = 23 "UE security capabilities mismatch",
        SECURITY_MODE_REJECTED = 24 "Security mode rejected, unspecified",
        NON_5G_AUTHENTICATION_UNACCEPTABLE = 26 "Non-5G authentication unacceptable",
        N1_MODE_NOT_ALLOWED = 27 "N1 mode not allowed",
        RESTRICTED_SERVICE_AREA = 28 "Restricted service area",
        LADN_NOT_AVAILABLE = 43 "LADN not available",
        NO_NETWORK_SLICES_AVAILABLE = 62 "No network slices available",
        MAXIMUM_PDU_SESSIONS = 65 "Maximum number of PDU sessions reached",
        INSUFFICIENT_RESOURCES_SLICE_DNN = 67 "Insufficient resources for specific slice and DNN",
        INSUFFICIENT_RESOURCES_SLICE = 69 "Insufficient resources for specific slice",
        NG_KSI_IN_USE = 71 "ngKSI already in use",
        SERVING_NETWORK_NOT_AUTHORIZED = 73 "Serving network not authorized",
        PAYLOAD_NOT_FORWARDED = 90 "Payload was not forwarded",
        DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_SLICE = 91 "DNN not supported or not subscribed in the slice",
        INSUFFICIENT_USER_PLANE_RESOURCES = 92 "Insufficient user-plane resources for the PDU session",
        SEMANTICALLY_INCORRECT = 95 "Semantically incorrect message",
        INVALID_MANDATORY_INFORMATION = 96 "Invalid mandatory information",
        MESSAGE_TYPE_NON_EXISTENT = 97 "Message type non-existent or not implemented",
        MESSAGE_TYPE_NOT_COMPATIBLE = 98 "Message type not compatible with the protocol state",
        IE_NON_EXISTENT = 99 "Information element non-existent or not implemented",
        CONDITIONAL_IE_ERROR = 100 "Conditional IE error",
        MESSAGE_NOT_COMPATIBLE = 101 "Message not compatible with the protocol state",
        PROTOCOL_ERROR = 111 "Protocol error, unspecified",
    }
}

causes! {
    /// A 5GSM cause. Spec: TS 24.501 table 9.11.4.2.1
    GsmCause, "TS 24.501 §9.11.4.2" {
        OPERATOR_DETERMINED_BARRING = 8 "Operator determined barring",
        INSUFFICIENT_RESOURCES = 26 "Insufficient resources",
        MISSING_OR_UNKNOWN_DNN = 27 "Missing or unknown DNN",
        UNKNOWN_PDU_SESSION_TYPE = 28 "Unknown PDU session type",
        USER_AUTHENTICATION_FAILED = 29 "User authentication or authorization failed",
        REQUEST_REJECTED = 31 "Request rejected, unspecified",
        SERVICE_OPTION_NOT_SUPPORTED = 32 "Service option not supported",
        SERVICE_OPTION_NOT_SUBSCRIBED = 33 "Requested service option not subscribed",
        PTI_ALREADY_IN_USE = 35 "PTI already in use",
        REGULAR_DEACTIVATION = 36 "Regular deactivation",
        NETWORK_FAILURE = 38 "Network failure",
        REACTIVATION_REQUESTED = 39 "Reactivation requested",
        SEMANTIC_ERROR_IN_TFT = 41 "Semantic error in the TFT operation",
        INVALID_PDU_SESSION_IDENTITY = 43 "Invalid PDU session identity",
        SEMANTIC_ERRORS_IN_PACKET_FILTERS = 44 "Semantic errors in packet filter(s)",
        OUT_OF_LADN_SERVICE_AREA = 46 "Out of LADN service area",
        PTI_MISMATCH = 47 "PTI mismatch",
        IPV4_ONLY_ALLOWED = 50 "PDU session type IPv4 only allowed",
        IPV6_ONLY_ALLOWED = 51 "PDU session type IPv6 only allowed",
        PDU_SESSION_DOES_NOT_EXIST = 54 "PDU session does not exist",
        IPV4V6_ONLY_ALLOWED = 57 "PDU session type IPv4v6 only allowed",
        UNSTRUCTURED_ONLY_ALLOWED = 58 "PDU session type Unstructured only allowed",
        ETHERNET_ONLY_ALLOWED = 61 "PDU session type Ethernet only allowed",
        INSUFFICIENT_RESOURCES_SLICE_DNN = 67 "Insufficient resources for specific slice and DNN",
        SSC_MODE_NOT_SUPPORTED = 68 "Not supported SSC mode",
        INSUFFICIENT_RESOURCES_SLICE = 69 "Insufficient resources for specific slice",
        MISSING_OR_UNKNOWN_DNN_IN_SLICE = 70 "Missing or unknown DNN in a slice",
        INVALID_PTI = 81 "Invalid PTI value",
        SEMANTIC_ERROR_IN_QOS = 83 "Semantic error in the QoS operation",
        SEMANTICALLY_INCORRECT = 95 "Semantically incorrect message",
        INVALID_MANDATORY_INFORMATION = 96 "Invalid mandatory information",
        MESSAGE_TYPE_NON_EXISTENT = 97 "Message type non-existent or not implemented",
        MESSAGE_TYPE_NOT_COMPATIBLE = 98 "Message type not compatible with the protocol state",
        IE_NON_EXISTENT = 99 "Information element non-existent or not implemented",
        CONDITIONAL_IE_ERROR = 100 "Conditional IE error",
        MESSAGE_NOT_COMPATIBLE = 101 "Message not compatible with the protocol state",
        PROTOCOL_ERROR = 111 "Protocol error, unspecified",
    }
}
