// A site with the snippet on its pages, and a Chromium that visits it.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type Browser, chromium, type Page } from 'playwright-core';

import type { Settings } from '../../src/tracker';

/** A page of the site. */
export interface PageOptions {
    settings: Settings;
    /** The page has the Meta Pixel: its calls are recorded in `fbqCalls`. */
    pixel?: boolean;
    /** Calls that the page makes before the snippet is there. */
    calls?: unknown[][];
}

export interface Site {
    port: number;
    /** The pages by path, as they are to be served from now on. */
    pages: Map<string, PageOptions>;
    close(): void;
}

function html({ settings, pixel, calls = [] }: PageOptions): string {
    const json = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
    return `<!doctype html><title>Shop</title><script>
window.fbqCalls = [];
${pixel ? 'window.fbq = function () { fbqCalls.push([].slice.call(arguments)); };' : ''}
window.adrelay = function () { (adrelay.q = adrelay.q || []).push(arguments); };
adrelay('init', ${json(settings)});
for (const call of ${json(calls)}) adrelay.apply(null, call);
</script><script async src="/adrelay.js"></script>`;
}

export async function openSite(): Promise<Site> {
    // Relative to dist/tests/browser.
    const snippet = readFileSync(new URL('../../adrelay.js', import.meta.url));
    const pages = new Map<string, PageOptions>();
    const server: Server = createServer((request, response) => {
        const path = (request.url ?? '').split('?')[0]!;
        const page = pages.get(path);
        if (path === '/adrelay.js') response.setHeader('content-type', 'text/javascript').end(snippet);
        else if (page) response.setHeader('content-type', 'text/html').end(html(page));
        else response.writeHead(path === '/nothing' ? 204 : 404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, resolve));
    return {
        port: (server.address() as AddressInfo).port,
        pages,
        close() {
            server.close();
            server.closeAllConnections();
        },
    };
}

/** A door before an endpoint: requests wait in it, and pass when it is opened if their browser has not given them up. */
export interface Door {
    url: string;
    /** Resolves when a request waits in it. */
    knocked: Promise<void>;
    open(): void;
    close(): void;
}

export async function doorBefore(endpoint: string): Promise<Door> {
    let [knock, open] = [() => {}, () => {}];
    const knocked = new Promise<void>((resolve) => (knock = resolve));
    const opened = new Promise<void>((resolve) => (open = resolve));
    const server = createServer(async (request, response) => {
        let body = '';
        for await (const chunk of request) body += chunk;
        knock();
        await opened;
        if (request.socket.destroyed) return;
        const { origin = '' } = request.headers;
        const answer = await fetch(endpoint, { method: 'POST', body, headers: { origin } });
        response.writeHead(answer.status, { 'access-control-allow-origin': origin }).end(await answer.text());
    });
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const close = (): void => {
        server.close();
        server.closeAllConnections();
    };
    return { url, knocked, open, close };
}

/** Debian's Chromium, or the one that `CHROMIUM` names. Every host of `.example` and `.example.co.uk` is this machine. */
export async function openBrowser(): Promise<Browser> {
    const places = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
    const executablePath = places.find((path) => path && existsSync(path));
    assert.ok(executablePath, 'no Chromium: apt-get install chromium, or set CHROMIUM');
    return chromium.launch({
        executablePath,
        args: ['--host-resolver-rules=MAP *.shop.example 127.0.0.1, MAP *.example.co.uk 127.0.0.1'],
    });
}

/** Waits until the snippet has taken over. */
export async function ready(page: Page): Promise<void> {
    await page.waitForFunction('window.adrelay && window.adrelay.loaded');
}

/** Calls `adrelay(…)` in the page. */
export async function adrelay(page: Page, ...call: unknown[]): Promise<void> {
    await page.evaluate((call) => (window as unknown as Record<string, any>)['adrelay'](...call), call);
}

export const fbqCalls = (page: Page): Promise<unknown[][]> => page.evaluate('window.fbqCalls');
