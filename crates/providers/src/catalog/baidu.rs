//! Baidu AI Cloud Qianfan: ERNIE.

use super::{Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "baidu",
    name: "Baidu (Qianfan)",
    base_url: "https://qianfan.baidubce.com/v2",
    credential_variables: &["QIANFAN_API_KEY"],
    key_prefixes: &["bce-v3/"],
    endpoints: &[Endpoint::CHAT, Endpoint::EMBEDDINGS, Endpoint::IMAGES],
    docs_url: "https://cloud.baidu.com/doc/qianfan/s/qmh4sv5vi",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
