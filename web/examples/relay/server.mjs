// A product's own relay, ready to run:
//
//     ADRELAY_URL=https://api.example.com ADRELAY_KEY=adr_ingest_… ORIGINS=https://shop.example.com node server.mjs
//
// Why one would: a request to the site's own domain is no third party's, cookies set by a server live their 90 days also
// where a browser cuts short those of scripts, and the key stays on the server. No dependencies; Node 18 or newer.

import { relayServer } from './relay.mjs';

/** @param {string} name @param {string} [absent] */
function variable(name, absent) {
    const value = process.env[name] ?? absent;
    if (value === undefined) throw new Error(`${name} is missing`);
    return value;
}

const cookieDomain = process.env['COOKIE_DOMAIN'];
const server = relayServer({
    adrelayUrl: variable('ADRELAY_URL'),
    key: variable('ADRELAY_KEY'),
    origins: variable('ORIGINS').split(','),
    eventNames: variable('EVENT_NAMES', 'PageView,ViewContent,AddToCart,InitiateCheckout,Lead,Contact').split(','),
    proxyHops: Number(variable('PROXY_HOPS', '0')),
    ...(cookieDomain ? { cookieDomain } : {}),
});
const port = Number(variable('PORT', '8080'));
server.listen(port, () => {
    const address = server.address();
    console.log(`http://localhost:${address && typeof address === 'object' ? address.port : port}/relay/events`);
});
