//! Releases: the files of OTP and what boots from them.
