"""What people here say of the warehouse's objects and PostHog does not keep: owners and tags."""
