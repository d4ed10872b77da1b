import type { MetaIds } from './cookies';

/** Free values of an event, as Meta and adrelay take them. */
export type CustomData = Record<string, unknown>;

/** One event as `POST /b/events` takes it. */
export interface PostedEvent {
    event_name: string;
    event_id: string;
    /** Unix seconds; absent is when the server hears of it. */
    event_time?: number;
    action_source: 'website';
    event_source_url: string;
    /** Events without consent are not posted at all. */
    consent: 'granted';
    user_data: MetaIds;
    custom_data?: CustomData | undefined;
}

/** Meta's standard events (Meta: Pixel reference). `fbq` takes all others by `trackCustom`. */
export const STANDARD_EVENTS = (
    'AddPaymentInfo AddToCart AddToWishlist CompleteRegistration Contact CustomizeProduct Donate FindLocation ' +
    'InitiateCheckout Lead PageView Purchase Schedule Search StartTrial SubmitApplication Subscribe ViewContent'
).split(' ');
