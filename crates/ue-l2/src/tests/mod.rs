mod access;
mod data;
mod lab;
mod uplink;
