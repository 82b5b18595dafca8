"""The one table of everything the gate can do: how each kind is read, written, and recognised as done."""

from __future__ import annotations

from warehouse_admin.mutations.kinds.base import Decided, Kind, Live, Request, Standing
from warehouse_admin.mutations.kinds.cadence import SET_CADENCE
from warehouse_admin.mutations.kinds.create import CREATE_VIEW
from warehouse_admin.mutations.kinds.delete import DELETE
from warehouse_admin.mutations.kinds.describe import MOVE_TO_FOLDER, SET_DESCRIPTION
from warehouse_admin.mutations.kinds.edit import EDIT_QUERY
from warehouse_admin.mutations.kinds.interview_create import CREATE_INTERVIEW
from warehouse_admin.mutations.kinds.interviews import DELETE_INTERVIEW, UPDATE_INTERVIEW
from warehouse_admin.mutations.kinds.materialize import MATERIALIZE, UNMATERIALIZE
from warehouse_admin.mutations.kinds.rename import RENAME
from warehouse_admin.mutations.kinds.resume import RESUME_SCHEDULES
from warehouse_admin.mutations.kinds.runs import CANCEL, RUN
from warehouse_admin.mutations.kinds.table_schemas import REFRESH_SCHEMA, UPDATE_SCHEMA
from warehouse_admin.mutations.kinds.tables import CREATE_TABLE, DELETE_TABLE, UPDATE_TABLE
from warehouse_admin.mutations.models import Mutation

__all__ = ["KINDS", "Decided", "Kind", "Live", "Request", "Standing", "kind_of"]

KINDS: dict[Mutation.Kind, Kind] = {
    Mutation.Kind.CREATE_VIEW: CREATE_VIEW,
    Mutation.Kind.EDIT_QUERY: EDIT_QUERY,
    Mutation.Kind.RENAME: RENAME,
    Mutation.Kind.SET_CADENCE: SET_CADENCE,
    Mutation.Kind.MATERIALIZE: MATERIALIZE,
    Mutation.Kind.UNMATERIALIZE: UNMATERIALIZE,
    Mutation.Kind.DELETE: DELETE,
    Mutation.Kind.RUN: RUN,
    Mutation.Kind.CANCEL: CANCEL,
    Mutation.Kind.RESUME_SCHEDULES: RESUME_SCHEDULES,
    Mutation.Kind.CREATE_INTERVIEW: CREATE_INTERVIEW,
    Mutation.Kind.UPDATE_INTERVIEW: UPDATE_INTERVIEW,
    Mutation.Kind.DELETE_INTERVIEW: DELETE_INTERVIEW,
    Mutation.Kind.CREATE_TABLE: CREATE_TABLE,
    Mutation.Kind.UPDATE_TABLE: UPDATE_TABLE,
    Mutation.Kind.DELETE_TABLE: DELETE_TABLE,
    Mutation.Kind.REFRESH_SCHEMA: REFRESH_SCHEMA,
    Mutation.Kind.UPDATE_SCHEMA: UPDATE_SCHEMA,
    Mutation.Kind.SET_DESCRIPTION: SET_DESCRIPTION,
    Mutation.Kind.MOVE_TO_FOLDER: MOVE_TO_FOLDER,
}


def kind_of(mutation: Mutation) -> Kind:
    return KINDS[Mutation.Kind(mutation.kind)]
