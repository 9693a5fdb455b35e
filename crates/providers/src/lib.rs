//! Records of providers, their credentials on the wire and the HTTP client.
