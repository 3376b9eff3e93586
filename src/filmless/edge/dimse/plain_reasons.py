"""Why a connection could not be opened or broke, in words that an administrator can act on."""

import ssl

_REASONS = {
    "UNSUPPORTED_PROTOCOL": "the other side speaks only TLS 1.1 or older",
    "NO_SHARED_CIPHER": "no cipher suite that both sides know is safe enough",
    "WRONG_VERSION_NUMBER": "the other side does not speak TLS",
    "HTTP_REQUEST": "the other side speaks HTTP",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the other side shows no certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "the other side does not trust our certificate",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the other side speaks only TLS 1.1 or older",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the other side knows no cipher suite that is safe enough",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the other side wants a certificate of ours",
}


def plain_reason(error: OSError) -> str:
    """Why a handshake failed, in plain words."""
    if isinstance(error, TimeoutError):
        return "it took too long"
    reason = getattr(error, "reason", None) or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted ({error.verify_message})"
    return _REASONS.get(reason, reason.replace("_", " ").lower() or error.strerror or "the connection broke")
