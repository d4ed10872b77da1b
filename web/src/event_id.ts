/** 128 random bits as 32 hexadecimal digits. `crypto.randomUUID` is absent on pages without TLS, so it is not used. */
export function newEventId(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join('');
}

/** The random part of an `_fbp` cookie: 0 to 2147483647 (Meta's capi-param-builder). */
export function random31(): number {
    return crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1;
}
