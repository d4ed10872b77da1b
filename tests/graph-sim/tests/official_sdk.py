"""Sends events through Meta's official Python SDK, unchanged, to any base URL.

Prints one line of JSON: {"sent", "requests", "events_received", "fbtrace_ids", "event_ids", "messages"}
and exits 0; on an error answer {"error": <the body>, "status", "sent"} and exits 1.
"""

import argparse
import json
import sys
import time
import uuid

from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.content import Content
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.gender import Gender
from facebook_business.adobjects.serverside.user_data import UserData
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-url", required=True, help="what stands before /{version}/{pixel}/events; may hold a path")
    parser.add_argument("--version", default="v26.0")
    parser.add_argument("--pixel", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--count", type=int, default=1, help="number of events")
    parser.add_argument("--batch-size", type=int, default=50, help="events per request")
    parser.add_argument("--app-secret", help="adds an appsecret_proof to every call")
    parser.add_argument("--id-prefix", default=None, help="event ids are {prefix}-{n}; default is random")
    parser.add_argument("--test-event-code", default=None)
    return parser.parse_args()


def event(number, event_id, now):
    """A purchase of a different customer for every number."""
    user_data = UserData(
        emails=[f"customer{number}@shop.example"],
        phones=[f"+1 650 555 {number % 10000:04d}"],
        first_name="Mary",
        last_name="Smith",
        gender=Gender.FEMALE,
        date_of_birth="19970216",
        city="Menlo Park",
        state="ca",
        zip_code="94025",
        country_code="us",
        external_id=f"customer-{number}",
        client_ip_address="203.0.113.7",
        client_user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
        fbp="fb.1.1596403881668.1098115397",
    )
    custom_data = CustomData(
        value=10.0 + number,
        currency="usd",
        order_id=event_id,
        contents=[Content(product_id="sku-1", quantity=1, item_price=10.0 + number)],
    )
    return Event(
        event_name="Purchase",
        event_time=now,
        event_id=event_id,
        event_source_url="https://shop.example/thanks",
        action_source=ActionSource.WEBSITE,
        user_data=user_data,
        custom_data=custom_data,
    )


def send(options):
    # Where the SDK reads its base URL; it joins this, the version and the path with slashes.
    FacebookSession.GRAPH = options.base_url.rstrip("/")
    FacebookAdsApi.init(
        app_secret=options.app_secret,
        access_token=options.token,
        api_version=options.version,
        timeout=30,
        crash_log=False,  # its crash reporter would call Meta
    )
    prefix = options.id_prefix or f"sdk-{uuid.uuid4().hex}"
    ids = [f"{prefix}-{number}" for number in range(options.count)]
    now = int(time.time())
    result = {"sent": 0, "requests": 0, "events_received": 0, "fbtrace_ids": [], "event_ids": ids, "messages": []}
    for start in range(0, options.count, options.batch_size):
        batch = range(start, min(start + options.batch_size, options.count))
        events = [event(number, ids[number], now) for number in batch]
        request = EventRequest(pixel_id=options.pixel, events=events, test_event_code=options.test_event_code)
        try:
            response = request.execute()
        except FacebookRequestError as error:
            return {"error": error.body(), "status": error.http_status(), "sent": result["sent"]}
        result["sent"] += len(events)
        result["requests"] += 1
        result["events_received"] += response.events_received
        result["fbtrace_ids"].append(response.fbtrace_id)
        result["messages"].extend(response.messages)
    return result


if __name__ == "__main__":
    outcome = send(arguments())
    print(json.dumps(outcome))
    sys.exit("error" in outcome)
