import type { PostedEvent } from '../../src/event';

export const NOW = 1_795_219_200_000;

export function event(id: string, more: Partial<PostedEvent> = {}): PostedEvent {
    return {
        event_name: 'Lead',
        event_id: id,
        action_source: 'website',
        event_source_url: 'https://shop.example/',
        consent: 'granted',
        user_data: {},
        ...more,
    };
}
