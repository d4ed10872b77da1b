"""Reads a page's lead forms and leads through Meta's official Python SDK, unchanged, at any base URL.

Subscribes the app to the page, lists forms and leads, reads each lead by its id, and deletes a test lead. Prints one
line of JSON: {"subscribed", "subscribed_fields", "forms", "listed", "leads", "after_deletion"} and exits 0; on an error
answer {"error": <the body>, "status"} and exits 1.
"""

import argparse
import json
import sys

from facebook_business.adobjects.lead import Lead
from facebook_business.adobjects.leadgenform import LeadgenForm
from facebook_business.adobjects.page import Page
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

LEAD_FIELDS = [
    Lead.Field.created_time,
    Lead.Field.field_data,
    Lead.Field.ad_id,
    Lead.Field.campaign_name,
    Lead.Field.custom_disclaimer_responses,
    Lead.Field.form_id,
    Lead.Field.is_organic,
    Lead.Field.platform,
]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--version", default="v26.0")
    parser.add_argument("--page", required=True)
    parser.add_argument("--token", required=True, help="the page's own")
    parser.add_argument("--app-secret")
    parser.add_argument("--since", type=int, default=0, help="only leads submitted after this unix second")
    return parser.parse_args()


def read(options):
    # Where the SDK reads its base URL; it joins this, the version and the path with slashes.
    FacebookSession.GRAPH = options.base_url.rstrip("/")
    FacebookAdsApi.init(
        app_secret=options.app_secret,
        access_token=options.token,
        api_version=options.version,
        timeout=30,
        crash_log=False,  # its crash reporter would call Meta
    )
    page = Page(options.page)
    page.create_subscribed_app(params={"subscribed_fields": ["leadgen"]})
    apps = [app.export_all_data() for app in page.get_subscribed_apps(fields=["id", "subscribed_fields"])]
    fields = [LeadgenForm.Field.id, LeadgenForm.Field.status, LeadgenForm.Field.questions]
    forms = [form.export_all_data() for form in page.get_lead_gen_forms(fields=fields)]
    newer = {"field": "time_created", "operator": "GREATER_THAN", "value": options.since}
    result = {"subscribed": len(apps), "subscribed_fields": apps[0]["subscribed_fields"], "forms": forms}
    result.update({"listed": [], "leads": []})
    for form in forms:
        # The SDK follows the cursors by itself.
        for lead in LeadgenForm(form["id"]).get_leads(params={"filtering": [newer], "limit": 3}):
            result["listed"].append(lead["id"])
            result["leads"].append(Lead(lead["id"]).api_get(fields=LEAD_FIELDS).export_all_data())
    form = LeadgenForm(forms[0]["id"])
    test_lead = form.create_test_lead()
    Lead(test_lead["id"]).api_delete()
    result["after_deletion"] = len(form.get_test_leads())
    return result


if __name__ == "__main__":
    try:
        outcome = read(arguments())
    except FacebookRequestError as error:
        outcome = {"error": error.body(), "status": error.http_status()}
    print(json.dumps(outcome))
    sys.exit("error" in outcome)
