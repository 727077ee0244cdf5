//! CRC, segmentation, LDPC, polar, short blocks, rate matching.
