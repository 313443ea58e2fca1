/* Failures before the first word of a protocol. */
#include "sinks/fault.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

const char *tw_tls_fault(long code, const char *host, char *buffer, size_t size)
{
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(buffer, size,
                 "its certificate has expired: the server needs a new one, unless this machine's "
                 "clock is wrong");
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(buffer, size, "its certificate is not valid yet: is this machine's clock right?");
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        snprintf(buffer, size,
                 "its certificate is for another name than %s: write the server's name as the "
                 "certificate has it",
                 host);
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        snprintf(buffer, size,
                 "its certificate is signed by an authority that is not trusted here: set ca_file "
                 "to the authority's certificate");
        break;
    default:
        snprintf(buffer, size, "its certificate was not accepted: %s",
                 X509_verify_cert_error_string(code));
    }
    return buffer;
}

const char *tw_connect_fault(int code)
{
    switch (code) {
    case ECONNREFUSED:
        return "connection refused: nothing listens there; is it running, and are host and port "
               "right?";
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
        return "no route to it: is the network up, and is the address right?";
    case ETIMEDOUT:
        return "no answer in time: is it overloaded, or a firewall between?";
    case 0:
        return "no connection: is it running, and are host and port right?";
    default:
        return strerrordesc_np(code);
    }
}
