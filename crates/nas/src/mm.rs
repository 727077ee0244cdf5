//! Messages of 5GS mobility management. Spec: TS 24.501 §8.2
//!
//! Fields have the specification's names; `None` is an absent element. `new` takes what is mandatory and has no default.

use crate::cause::GmmCause;
use crate::codec::{family, get_field, get_optional, matches_iei, message, put_field, put_optional};
use crate::ie::*;

family! {
    /// A 5GMM message. Spec: TS 24.501 table 9.7.1
    MmMessage {
        RegistrationRequest "Registration request",
        RegistrationAccept "Registration accept",
        RegistrationComplete "Registration complete",
        RegistrationReject "Registration reject",
        DeregistrationRequestUe "Deregistration request (UE originating)",
        DeregistrationAcceptUe "Deregistration accept (UE originating)",
        DeregistrationRequestNetwork "Deregistration request (UE terminated)",
        DeregistrationAcceptNetwork "Deregistration accept (UE terminated)",
        ServiceRequest "Service request",
        ServiceReject "Service reject",
        ServiceAccept "Service accept",
        ConfigurationUpdateCommand "Configuration update command",
        ConfigurationUpdateComplete "Configuration update complete",
        AuthenticationRequest "Authentication request",
        AuthenticationResponse "Authentication response",
        AuthenticationReject "Authentication reject",
        AuthenticationFailure "Authentication failure",
        AuthenticationResult "Authentication result",
        IdentityRequest "Identity request",
        IdentityResponse "Identity response",
        SecurityModeCommand "Security mode command",
        SecurityModeComplete "Security mode complete",
        SecurityModeReject "Security mode reject",
        MmStatus "5GMM status",
        UlNasTransport "UL NAS transport",
        DlNasTransport "DL NAS transport",
    }
}

message! {
    /// REGISTRATION REQUEST. Spec: TS 24.501 §8.2.6
    RegistrationRequest = 0x41 "Registration request" {
        [registration_type: RegistrationType, ng_ksi: KeySetIdentifier]
        lve mobile_identity: MobileIdentity;
    } optional {
        half 0xc0 non_current_native_ng_ksi: KeySetIdentifier;
        tlv 0x10 gmm_capability: Vec<u8>;
        tlv 0x2e ue_security_capability: UeSecurityCapability;
        tlv 0x2f requested_nssai: Nssai;
        tv 0x52 last_visited_registered_tai: Tai;
        tlv 0x17 s1_ue_network_capability: Vec<u8>;
        tlv 0x40 uplink_data_status: PduSessionStatus;
        tlv 0x50 pdu_session_status: PduSessionStatus;
        half 0xb0 mico_indication: u8;
        tlv 0x2b ue_status: u8;
        tlve 0x77 additional_guti: MobileIdentity;
        tlv 0x18 ue_usage_setting: u8;
        tlv 0x51 requested_drx_parameters: u8;
        tlv 0x53 update_type: u8;
        tlve 0x71 nas_message_container: Vec<u8>;
    }
}

message! {
    /// REGISTRATION ACCEPT. Spec: TS 24.501 §8.2.7
    RegistrationAccept = 0x42 "Registration accept" {
        lv registration_result: u8;
    } optional {
        tlve 0x77 guti: MobileIdentity;
        tlv 0x4a equivalent_plmns: Vec<u8>;
        tlv 0x54 tai_list: TaiList;
        tlv 0x15 allowed_nssai: Nssai;
        tlv 0x11 rejected_nssai: RejectedNssai;
        tlv 0x31 configured_nssai: Nssai;
        tlv 0x21 network_feature_support: Vec<u8>;
        tlv 0x50 pdu_session_status: PduSessionStatus;
        tlv 0x26 pdu_session_reactivation_result: PduSessionStatus;
        tlve 0x72 pdu_session_reactivation_result_error_cause: Vec<u8>;
        half 0xb0 mico_indication: u8;
        half 0x90 network_slicing_indication: u8;
        tlv 0x5e t3512: GprsTimer3;
        tlv 0x5d non_3gpp_deregistration_timer: GprsTimer2;
        tlv 0x16 t3502: GprsTimer2;
        tlv 0x51 negotiated_drx_parameters: u8;
    }
}

message! {
    /// REGISTRATION COMPLETE. Spec: TS 24.501 §8.2.8
    RegistrationComplete = 0x43 "Registration complete" {
    } optional {
        tlve 0x73 sor_transparent_container: Vec<u8>;
    }
}

message! {
    /// REGISTRATION REJECT. Spec: TS 24.501 §8.2.9
    RegistrationReject = 0x44 "Registration reject" {
        v cause: GmmCause;
    } optional {
        tlv 0x5f t3346: GprsTimer2;
        tlv 0x16 t3502: GprsTimer2;
        tlv 0x69 rejected_nssai: RejectedNssai;
    }
}

message! {
    /// DEREGISTRATION REQUEST, UE originating. Spec: TS 24.501 §8.2.12
    DeregistrationRequestUe = 0x45 "Deregistration request (UE originating)" {
        [deregistration_type: DeregistrationType, ng_ksi: KeySetIdentifier]
        lve mobile_identity: MobileIdentity;
    } optional {
    }
}

message! {
    /// DEREGISTRATION ACCEPT, UE originating. Spec: TS 24.501 §8.2.13
    DeregistrationAcceptUe = 0x46 "Deregistration accept (UE originating)" {
    } optional {
    }
}

message! {
    /// DEREGISTRATION REQUEST, UE terminated. Spec: TS 24.501 §8.2.14
    DeregistrationRequestNetwork = 0x47 "Deregistration request (UE terminated)" {
        low deregistration_type: DeregistrationType;
    } optional {
        tv 0x58 cause: GmmCause;
        tlv 0x5f t3346: GprsTimer2;
        tlv 0x6d rejected_nssai: RejectedNssai;
    }
}

message! {
    /// DEREGISTRATION ACCEPT, UE terminated. Spec: TS 24.501 §8.2.15
    DeregistrationAcceptNetwork = 0x48 "Deregistration accept (UE terminated)" {
    } optional {
    }
}

message! {
    /// SERVICE REQUEST. Spec: TS 24.501 §8.2.16
    ServiceRequest = 0x4c "Service request" {
        [ng_ksi: KeySetIdentifier, service_type: ServiceType]
        lve s_tmsi: MobileIdentity;
    } optional {
        tlv 0x40 uplink_data_status: PduSessionStatus;
        tlv 0x50 pdu_session_status: PduSessionStatus;
        tlv 0x25 allowed_pdu_session_status: PduSessionStatus;
        tlve 0x71 nas_message_container: Vec<u8>;
    }
}

message! {
    /// SERVICE ACCEPT. Spec: TS 24.501 §8.2.17
    ServiceAccept = 0x4e "Service accept" {
    } optional {
        tlv 0x50 pdu_session_status: PduSessionStatus;
        tlv 0x26 pdu_session_reactivation_result: PduSessionStatus;
        tlve 0x72 pdu_session_reactivation_result_error_cause: Vec<u8>;
    }
}

message! {
    /// SERVICE REJECT. Spec: TS 24.501 §8.2.18
    ServiceReject = 0x4d "Service reject" {
        v cause: GmmCause;
    } optional {
        tlv 0x50 pdu_session_status: PduSessionStatus;
        tlv 0x5f t3346: GprsTimer2;
    }
}

message! {
    /// CONFIGURATION UPDATE COMMAND. Spec: TS 24.501 §8.2.19
    ConfigurationUpdateCommand = 0x54 "Configuration update command" {
    } optional {
        half 0xd0 configuration_update_indication: u8;
        tlve 0x77 guti: MobileIdentity;
        tlv 0x54 tai_list: TaiList;
        tlv 0x15 allowed_nssai: Nssai;
        tlv 0x43 full_network_name: NetworkName;
        tlv 0x45 short_network_name: NetworkName;
        tlv 0x31 configured_nssai: Nssai;
        tlv 0x11 rejected_nssai: RejectedNssai;
    }
}

message! {
    /// CONFIGURATION UPDATE COMPLETE. Spec: TS 24.501 §8.2.20
    ConfigurationUpdateComplete = 0x55 "Configuration update complete" {
    } optional {
    }
}

message! {
    /// AUTHENTICATION REQUEST. Spec: TS 24.501 §8.2.1
    AuthenticationRequest = 0x56 "Authentication request" {
        low ng_ksi: KeySetIdentifier;
        lv abba: Vec<u8>;
    } optional {
        tv 0x21 rand: [u8; 16];
        tlv 0x20 autn: [u8; 16];
        tlve 0x78 eap_message: Vec<u8>;
    }
}

message! {
    /// AUTHENTICATION RESPONSE. Spec: TS 24.501 §8.2.2
    AuthenticationResponse = 0x57 "Authentication response" {
    } optional {
        tlv 0x2d res_star: Vec<u8>;
        tlve 0x78 eap_message: Vec<u8>;
    }
}

message! {
    /// AUTHENTICATION RESULT. Spec: TS 24.501 §8.2.3
    AuthenticationResult = 0x5a "Authentication result" {
        low ng_ksi: KeySetIdentifier;
        lve eap_message: Vec<u8>;
    } optional {
        tlv 0x38 abba: Vec<u8>;
    }
}

message! {
    /// AUTHENTICATION FAILURE. Spec: TS 24.501 §8.2.4
    AuthenticationFailure = 0x59 "Authentication failure" {
        v cause: GmmCause;
    } optional {
        tlv 0x30 auts: [u8; 14];
    }
}

message! {
    /// AUTHENTICATION REJECT. Spec: TS 24.501 §8.2.5
    AuthenticationReject = 0x58 "Authentication reject" {
    } optional {
        tlve 0x78 eap_message: Vec<u8>;
    }
}

message! {
    /// IDENTITY REQUEST. Spec: TS 24.501 §8.2.21
    IdentityRequest = 0x5b "Identity request" {
        low identity_type: IdentityType;
    } optional {
    }
}

message! {
    /// IDENTITY RESPONSE. Spec: TS 24.501 §8.2.22
    IdentityResponse = 0x5c "Identity response" {
        lve mobile_identity: MobileIdentity;
    } optional {
    }
}

message! {
    /// SECURITY MODE COMMAND. Spec: TS 24.501 §8.2.25
    SecurityModeCommand = 0x5d "Security mode command" {
        v selected_algorithms: SelectedAlgorithms;
        low ng_ksi: KeySetIdentifier;
        lv replayed_ue_security_capabilities: UeSecurityCapability;
    } optional {
        half 0xe0 imeisv_request: u8;
        tv 0x57 selected_eps_algorithms: u8;
        tlv 0x36 additional_5g_security_information: AdditionalSecurityInformation;
        tlve 0x78 eap_message: Vec<u8>;
        tlv 0x38 abba: Vec<u8>;
        tlv 0x19 replayed_s1_ue_security_capabilities: Vec<u8>;
    }
}

message! {
    /// SECURITY MODE COMPLETE. Spec: TS 24.501 §8.2.26
    SecurityModeComplete = 0x5e "Security mode complete" {
    } optional {
        tlve 0x77 imeisv: MobileIdentity;
        tlve 0x71 nas_message_container: Vec<u8>;
        tlve 0x78 pei: MobileIdentity;
    }
}

message! {
    /// SECURITY MODE REJECT. Spec: TS 24.501 §8.2.27
    SecurityModeReject = 0x5f "Security mode reject" {
        v cause: GmmCause;
    } optional {
    }
}

message! {
    /// 5GMM STATUS. Spec: TS 24.501 §8.2.29
    MmStatus = 0x64 "5GMM status" {
        v cause: GmmCause;
    } optional {
    }
}

message! {
    /// UL NAS TRANSPORT. Spec: TS 24.501 §8.2.10
    UlNasTransport = 0x67 "UL NAS transport" {
        low payload_container_type: PayloadContainerType;
        lve payload_container: Vec<u8>;
    } optional {
        tv 0x12 pdu_session_id: u8;
        tv 0x59 old_pdu_session_id: u8;
        half 0x80 request_type: RequestType;
        tlv 0x22 s_nssai: nr::SNssai;
        tlv 0x25 dnn: Dnn;
        tlv 0x24 additional_information: Vec<u8>;
    }
}

message! {
    /// DL NAS TRANSPORT. Spec: TS 24.501 §8.2.11
    DlNasTransport = 0x68 "DL NAS transport" {
        low payload_container_type: PayloadContainerType;
        lve payload_container: Vec<u8>;
    } optional {
        tv 0x12 pdu_session_id: u8;
        tlv 0x24 additional_information: Vec<u8>;
        tv 0x58 cause: GmmCause;
        tlv 0x37 back_off_timer: GprsTimer3;
    }
}

impl RegistrationRequest {
    /// An initial registration of this identity, with no key and no optional element.
    pub fn new(mobile_identity: MobileIdentity) -> Self {
        Self {
            registration_type: RegistrationType { follow_on: false, kind: RegistrationKind::Initial },
            ng_ksi: KeySetIdentifier::NO_KEY,
            mobile_identity,
            non_current_native_ng_ksi: None,
            gmm_capability: None,
            ue_security_capability: None,
            requested_nssai: None,
            last_visited_registered_tai: None,
            s1_ue_network_capability: None,
            uplink_data_status: None,
            pdu_session_status: None,
            mico_indication: None,
            ue_status: None,
            additional_guti: None,
            ue_usage_setting: None,
            requested_drx_parameters: None,
            update_type: None,
            nas_message_container: None,
            unknown: Vec::new(),
        }
    }
}

impl RegistrationAccept {
    /// An accept for 3GPP access with no optional element.
    pub fn new() -> Self {
        Self {
            registration_result: 1,
            guti: None,
            equivalent_plmns: None,
            tai_list: None,
            allowed_nssai: None,
            rejected_nssai: None,
            configured_nssai: None,
            network_feature_support: None,
            pdu_session_status: None,
            pdu_session_reactivation_result: None,
            pdu_session_reactivation_result_error_cause: None,
            mico_indication: None,
            network_slicing_indication: None,
            t3512: None,
            non_3gpp_deregistration_timer: None,
            t3502: None,
            negotiated_drx_parameters: None,
            unknown: Vec::new(),
        }
    }
}

impl Default for RegistrationAccept {
    fn default() -> Self {
        Self::new()
    }
}

impl RegistrationReject {
    /// A reject with this cause.
    pub fn new(cause: GmmCause) -> Self {
        Self { cause, t3346: None, t3502: None, rejected_nssai: None, unknown: Vec::new() }
    }
}

impl DeregistrationRequestUe {
    /// A request of this kind for 3GPP access.
    pub fn new(
        deregistration_type: DeregistrationType,
        ng_ksi: KeySetIdentifier,
        mobile_identity: MobileIdentity,
    ) -> Self {
        Self { deregistration_type, ng_ksi, mobile_identity, unknown: Vec::new() }
    }
}

impl DeregistrationRequestNetwork {
    /// A request of this kind.
    pub fn new(deregistration_type: DeregistrationType, cause: Option<GmmCause>) -> Self {
        Self { deregistration_type, cause, t3346: None, rejected_nssai: None, unknown: Vec::new() }
    }
}

impl AuthenticationRequest {
    /// A challenge of 5G AKA.
    pub fn new(ng_ksi: KeySetIdentifier, abba: Vec<u8>, rand: [u8; 16], autn: [u8; 16]) -> Self {
        Self { ng_ksi, abba, rand: Some(rand), autn: Some(autn), eap_message: None, unknown: Vec::new() }
    }
}

impl AuthenticationResponse {
    /// The answer of 5G AKA.
    pub fn new(res_star: [u8; 16]) -> Self {
        Self { res_star: Some(res_star.to_vec()), eap_message: None, unknown: Vec::new() }
    }
}

impl AuthenticationFailure {
    /// A failure; `auts` goes with the cause synch failure.
    pub fn new(cause: GmmCause, auts: Option<[u8; 14]>) -> Self {
        Self { cause, auts, unknown: Vec::new() }
    }
}

impl SecurityModeCommand {
    /// A command with no optional element.
    pub fn new(algorithms: SelectedAlgorithms, ng_ksi: KeySetIdentifier, replayed: UeSecurityCapability) -> Self {
        Self {
            selected_algorithms: algorithms,
            ng_ksi,
            replayed_ue_security_capabilities: replayed,
            imeisv_request: None,
            selected_eps_algorithms: None,
            additional_5g_security_information: None,
            eap_message: None,
            abba: None,
            replayed_s1_ue_security_capabilities: None,
            unknown: Vec::new(),
        }
    }
}

impl UlNasTransport {
    /// A transport of a session management message.
    pub fn n1_sm(payload_container: Vec<u8>, pdu_session_id: u8) -> Self {
        Self {
            payload_container_type: PayloadContainerType::N1Sm,
            payload_container,
            pdu_session_id: Some(pdu_session_id),
            old_pdu_session_id: None,
            request_type: None,
            s_nssai: None,
            dnn: None,
            additional_information: None,
            unknown: Vec::new(),
        }
    }
}

impl DlNasTransport {
    /// A transport of a session management message.
    pub fn n1_sm(payload_container: Vec<u8>, pdu_session_id: u8) -> Self {
        Self {
            payload_container_type: PayloadContainerType::N1Sm,
            payload_container,
            pdu_session_id: Some(pdu_session_id),
            additional_information: None,
            cause: None,
            back_off_timer: None,
            unknown: Vec::new(),
        }
    }
}

macro_rules! only_unknown {
    ($($name:ident { $($field:ident: $value:ident: $t:ty),* }),* $(,)?) => { $(
        impl $name {
            /// The message with these mandatory elements and no optional one.
            #[allow(clippy::new_without_default)]
            pub fn new($($value: $t),*) -> Self {
                Self { $($field: $value,)* unknown: Vec::new() }
            }
        }
    )* };
}

only_unknown! {
    DeregistrationAcceptUe {},
    DeregistrationAcceptNetwork {},
    ConfigurationUpdateComplete {},
    IdentityRequest { identity_type: identity_type: IdentityType },
    IdentityResponse { mobile_identity: mobile_identity: MobileIdentity },
    SecurityModeReject { cause: cause: GmmCause },
    MmStatus { cause: cause: GmmCause },
}

impl RegistrationComplete {
    /// A complete with no optional element.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self { sor_transparent_container: None, unknown: Vec::new() }
    }
}

impl AuthenticationReject {
    /// A reject with no optional element.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self { eap_message: None, unknown: Vec::new() }
    }
}

impl SecurityModeComplete {
    /// A complete that carries the whole initial message.
    pub fn new(nas_message_container: Option<Vec<u8>>) -> Self {
        Self { imeisv: None, nas_message_container, pei: None, unknown: Vec::new() }
    }
}

impl ServiceRequest {
    /// A request with no optional element.
    pub fn new(ng_ksi: KeySetIdentifier, service_type: ServiceType, s_tmsi: MobileIdentity) -> Self {
        Self {
            ng_ksi,
            service_type,
            s_tmsi,
            uplink_data_status: None,
            pdu_session_status: None,
            allowed_pdu_session_status: None,
            nas_message_container: None,
            unknown: Vec::new(),
        }
    }
}

impl ServiceAccept {
    /// An accept with no optional element.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            pdu_session_status: None,
            pdu_session_reactivation_result: None,
            pdu_session_reactivation_result_error_cause: None,
            unknown: Vec::new(),
        }
    }
}

impl ServiceReject {
    /// A reject with this cause.
    pub fn new(cause: GmmCause) -> Self {
        Self { cause, pdu_session_status: None, t3346: None, unknown: Vec::new() }
    }
}
