//! Any bytes from a server, cut anywhere, and any calls of the encoder. Not the transport.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let splits: Vec<u8> = data.iter().rev().map(|b| b % 8).collect();
    vk_resp::check::check_reply_bytes(data, &splits);
    vk_resp::check::check_encoder_round_trip(data);
});
