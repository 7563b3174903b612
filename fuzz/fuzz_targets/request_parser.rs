//! Any bytes from a client, cut anywhere. Not the engine: no request is executed.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (first, last) = data.split_at(data.len() / 2);
    vk_resp::check::check_request_bytes(data, last);
    vk_resp::check::check_request_bytes(data, &first.iter().map(|b| b % 8).collect::<Vec<_>>());
});
