import type { Jar } from '../../src/cookies';

const PUBLIC_SUFFIXES = ['com', 'uk', 'co.uk', 'github.io'];

export interface Kept {
    value: string;
    /** Absent: this host alone. */
    domain?: string | undefined;
    attributes: string[];
}

/** Keeps cookies as a browser at `host` does: a domain that is no parent of the host, or a public suffix, is refused. */
export class BrowserJar implements Jar {
    readonly kept = new Map<string, Kept>();
    readonly refused: string[] = [];

    constructor(
        private readonly host: string,
        cookies: Record<string, string> = {},
        private readonly keeps = true,
    ) {
        for (const [name, value] of Object.entries(cookies)) this.kept.set(name, { value, attributes: [] });
    }

    read(): string {
        return [...this.kept].map(([name, { value }]) => `${name}=${value}`).join('; ');
    }

    write(cookie: string): void {
        const [pair = '', ...attributes] = cookie.split(';');
        const [name = '', value = ''] = pair.split('=');
        const domain = attributes.find((attribute) => attribute.startsWith('domain='))?.slice(7);
        const fits = !domain || (`.${this.host}`.endsWith(`.${domain}`) && !PUBLIC_SUFFIXES.includes(domain));
        if (this.keeps && fits) this.kept.set(name, { value, domain, attributes });
        else this.refused.push(cookie);
    }
}
