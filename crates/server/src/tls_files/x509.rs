//! The few facts of a certificate that the server shows or decides by.
//!
//! A walk over the outermost DER fields (RFC 5280, section 4.1). It verifies nothing: trust is
//! rustls' business.

/// What is read from a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFacts {
    /// The serial number in lower-case hexadecimal digits, as it is encoded.
    pub(crate) serial: String,
    /// The first second in which it is valid, since 1970.
    pub(crate) not_before_s: i64,
    /// The last second in which it is valid, since 1970.
    pub(crate) not_after_s: i64,
    /// The whole SubjectPublicKeyInfo in DER.
    pub(crate) public_key: Vec<u8>,
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// The facts of a DER certificate; none if it is not one.
pub(crate) fn facts(der: &[u8]) -> Option<CertificateFacts> {
    let mut certificate = Reader(Reader(der).take(SEQUENCE)?);
    let mut fields = Reader(certificate.take(SEQUENCE)?);
    if fields.peek() == Some(VERSION) {
        fields.take(VERSION)?;
    }
    let serial = fields.take(INTEGER)?;
    let _signature_algorithm = fields.take(SEQUENCE)?;
    let _issuer = fields.take(SEQUENCE)?;
    let mut validity = Reader(fields.take(SEQUENCE)?);
    let not_before_s = validity.take_time()?;
    let not_after_s = validity.take_time()?;
    let _subject = fields.take(SEQUENCE)?;
    let (tag, _, whole) = fields.next()?;
    if tag != SEQUENCE {
        return None;
    }
    let serial = serial.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(CertificateFacts {
        serial,
        not_before_s,
        not_after_s,
        public_key: whole.to_vec(),
    })
}

/// What is left of a sequence of DER values.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next value's tag, its content, and the whole of it.
    fn next(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            // Lengths of more than four bytes do not occur in what fits into memory.
            let digits = usize::from(first & 0x7f);
            if digits == 0 || digits > 4 {
                return None;
            }
            let (bytes, after) = rest.split_at_checked(digits)?;
            length = bytes
                .iter()
                .fold(0_usize, |sum, &byte| (sum << 8) | usize::from(byte));
            rest = after;
        }
        let (content, after) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len().checked_sub(after.len())?)?;
        self.0 = after;
        Some((tag, content, whole))
    }

    fn take(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, content, _) = self.next()?;
        (tag == wanted).then_some(content)
    }

    fn take_time(&mut self) -> Option<i64> {
        let (tag, content, _) = self.next()?;
        let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
        let (year, rest) = match tag {
            UTC_TIME => {
                let (year, rest) = text.split_at_checked(2)?;
                let year: i64 = year.parse().ok()?;
                (
                    if year < 50 {
                        year + 2_000
                    } else {
                        year + 1_900
                    },
                    rest,
                )
            }
            GENERALIZED_TIME => {
                let (year, rest) = text.split_at_checked(4)?;
                (year.parse().ok()?, rest)
            }
            _ => return None,
        };
        if rest.len() != 10 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let part = |at: usize| rest.get(at..at.checked_add(2)?)?.parse::<i64>().ok();
        let days = days_since_1970(year, part(0)?, part(2)?);
        Some(days * 86_400 + part(4)? * 3_600 + part(6)? * 60 + part(8)?)
    }
}

/// Civil date to days: Howard Hinnant's "chrono-compatible low-level date algorithms".
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use rcgen::{CertificateParams, KeyPair, PublicKeyData as _, SerialNumber, date_time_ymd};

    fn certificate(from: i32, to: i32) -> (Vec<u8>, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 2, 28);
        params.not_after = date_time_ymd(to, 12, 31);
        params.serial_number = Some(SerialNumber::from_slice(&[1, 2, 0xab]));
        let der = params.self_signed(&key).unwrap().der().to_vec();
        (der, key.subject_public_key_info())
    }

    #[test]
    fn both_kinds_of_time_are_read() {
        for (from, to) in [(1971, 2049), (2024, 2050), (2000, 4095)] {
            let (der, key) = certificate(from, to);
            let facts = facts(&der).unwrap();
            assert_eq!(facts.serial, "0102ab");
            assert_eq!(
                facts.not_before_s,
                date_time_ymd(from, 2, 28).unix_timestamp()
            );
            assert_eq!(
                facts.not_after_s,
                date_time_ymd(to, 12, 31).unix_timestamp()
            );
            assert_eq!(facts.public_key, key);
        }
    }

    #[test]
    fn no_prefix_and_no_flipped_byte_panics() {
        let (der, _) = certificate(2024, 2050);
        for end in 0..der.len() {
            assert_eq!(facts(&der[..end]), None, "{end}");
        }
        for at in 0..der.len() {
            for byte in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut broken = der.clone();
                broken[at] = byte;
                let _ = facts(&broken);
            }
        }
    }
}
