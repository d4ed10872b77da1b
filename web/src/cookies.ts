// Meta's first-party cookies (Meta: fbp-and-fbc; capi-param-builder 1.3.2):
//   _fbp  fb.<subdomain index>.<ms of creation>.<random number>
//   _fbc  fb.<subdomain index>.<ms when the click id was first seen>.<fbclid>
// and perhaps a fifth part of 2 or 8 characters, which Meta's own tools append.

/** 90 days. */
const LIFE_S = 7776000;

const VALID = /^fb\.\d+\.\d+\.[^.;\s]+(\.[\w-]{2}([\w-]{6})?)?$/;

/** `document.cookie`, as text to read and as a place to write one cookie. */
export interface Jar {
    read(): string;
    write(cookie: string): void;
}

/** What the cookies depend on beside themselves. */
export interface Visit {
    jar: Jar;
    /** `location.hostname` */
    host: string;
    /** Served with TLS. */
    secure: boolean;
    /** Unix milliseconds. */
    now: number;
    /** 0 to 2147483647 */
    random: number;
    /** The landing page's click id. */
    fbclid?: string | undefined;
}

/** What the cookies say; absent where there is none, or where the browser keeps none. */
export interface MetaIds {
    fbp?: string | undefined;
    fbc?: string | undefined;
}

/** The first click id in these queries or URLs, whole or not at all: it is case-sensitive and never cut. */
export function clickId(...urls: string[]): string | undefined {
    for (const url of urls) {
        const id = /[?&]fbclid=([\w-]{1,900})(?=[&#]|$)/.exec(url);
        if (id) return id[1];
    }
    return undefined;
}

/** A cookie's value; one that Meta would not understand counts as absent. */
function valueOf(jar: Jar, name: string): string | undefined {
    const pair = jar.read().split('; ').find((pair) => pair.startsWith(name + '='));
    const value = pair?.slice(name.length + 1);
    return value && VALID.test(value) ? value : undefined;
}

/** Reads both cookies, makes what is missing, and puts off the end of what is there. */
export function keepCookies(visit: Visit): MetaIds {
    const { jar, host, fbclid } = visit;
    // An IP address, or a name without a dot, takes no `domain`.
    const labels = /^[\d.]+$|:/.test(host) ? [host] : host.split('.');

    const put = (name: string, value: string, index: number): void => {
        const domain = index && labels.length > 1 ? ';domain=' + labels.slice(-index - 1).join('.') : '';
        jar.write(`${name}=${value}${domain};path=/;max-age=${LIFE_S};samesite=lax${visit.secure ? ';secure' : ''}`);
    };
    const keep = (name: string, fits: (payload?: string) => boolean, payload?: string | number): void => {
        const old = valueOf(jar, name);
        const parts = old ? old.split('.') : [];
        if (old && fits(parts[3])) return put(name, old, +parts[1]!);
        if (payload === undefined) return;
        // The widest domain that the browser takes: it refuses public suffixes.
        for (let index = labels.length > 1 ? 1 : 0; index < labels.length; index++) {
            const value = `fb.${index}.${visit.now}.${payload}`;
            put(name, value, index);
            if (valueOf(jar, name) === value) return;
        }
    };

    keep('_fbp', () => true, visit.random);
    keep('_fbc', (payload) => !fbclid || payload === fbclid, fbclid);
    return { fbp: valueOf(jar, '_fbp'), fbc: valueOf(jar, '_fbc') };
}
