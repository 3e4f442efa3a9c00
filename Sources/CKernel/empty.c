// Only the header is used; a C target needs one source file.
