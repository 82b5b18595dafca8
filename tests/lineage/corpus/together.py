"""WITH, sets of queries, groups and windows."""

from __future__ import annotations

from tests.lineage.corpus import NOT_READ, READ, STAR, USED, Query

ALL = "a:integer, b:integer, c:string, m:json, l:array"

QUERIES = [
    # WITH a query.
    Query("with q as (select a from V) select a from q", "V", "a:integer", NOT_READ),
    Query("with q as (select a, b from V) select a from q", "V", "a:integer", READ),
    Query("with q as (select * from V) select a from q", "V", "a:integer", NOT_READ),
    Query("with q as (select * from V) select b from q", "V", "b:integer", READ),
    Query("with q as (select * from V) select * from q", "V", ALL, STAR),
    Query(
        "with q as (select a as x from V), r as (select x + 1 as y from q) select y from r", "V", "y:integer", NOT_READ
    ),
    Query("with q as (select b as x from V), r as (select x from q) select r.x as y from r", "V", "y:integer", READ),
    Query(
        "with q as (select a from V) select q.a, p.a as again from q join q as p on q.a = p.a",
        "V",
        "a:integer, again:integer",
        NOT_READ,
    ),
    Query("with unused as (select b from V) select w from W", "V, W", "w:integer", READ),
    Query("with V as (select 1 as b) select b from V", "", "b:integer", ""),
    Query("with V as (select a from V) select a from V", "V", "a:integer", NOT_READ),
    Query("with V as (select b as a from V) select a from V", "V", "a:integer", READ),
    Query(
        "with q as (select 1 as b) select b from (with q as (select b from V) select b from q)", "V", "b:integer", READ
    ),
    Query(
        "with q as (select b from V) select b from (with q as (select 1 as b) select b from q)", "V", "b:integer", READ
    ),
    Query("with q as (select a from V) select x from (select a as x from q)", "V", "x:integer", NOT_READ),
    Query("with q as (select a, c from V) select w from W where w in (select a from q)", "V, W", "w:integer", NOT_READ),
    Query("with q as (select a, b from V) select w from W where w in (select b from q)", "V, W", "w:integer", READ),
    Query("with q(x, y) as (select a, c from V) select x, y from q", "V", "x:integer, y:string", NOT_READ),
    Query("with q(x, y) as (select a, b from V) select y from q", "V", "y:integer", READ),
    Query("with q as materialized (select a from V) select a from q", "V", "a:integer", NOT_READ),
    Query("with q as (select a from V union all select b from V) select a from q", "V", "a:integer", USED),
    Query(
        "with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select n from r", "", "n:integer"
    ),
    Query(
        "with recursive r as (select a as n from V union all select n + 1 from r where n < 5) select n from r",
        "V",
        "n:integer",
        NOT_READ,
    ),
    Query(
        "with recursive r as (select b as n from V union all select n + 1 from r where n < 5) select n from r",
        "V",
        "n:integer",
        USED,
    ),
    Query("with a as (select 1 as x), b as (select x from a) select x from b", "", "x:integer"),
    Query(
        "with o as (select customer_id, sum(total) as spent from orders group by customer_id) select email, spent "
        "from customers join o on o.customer_id = customers.id",
        "orders, customers",
        "email:string, spent:float",
    ),
    Query("select a from (with q as (select a from V) select a from q) join q on 1", "V, q", "a:integer", NOT_READ),
    # WITH a value.
    Query("with 5 as n select a + n as x from V", "V", "x:integer", NOT_READ),
    Query("with 5 as b select a + b as x from V", "V", "x:integer", NOT_READ),
    Query("with 5 as n select n from V", "V", "n:integer", NOT_READ),
    Query("with b + 1 as n select n from V", "V", "n:integer", USED),
    Query("with a + 1 as n select n from V where n > 2", "V", "n:integer", NOT_READ),
    Query("with (select max(a) from V) as top select w from W where w < top", "V, W", "w:integer", NOT_READ),
    Query("with (select max(b) from V) as top select w from W where w < top", "V, W", "w:integer", READ),
    Query("with (select max(b) from V) as top select top from W", "V, W", "top:integer", READ),
    Query("with x -> x + 1 as f select a from V", "V", "a:integer", NOT_READ),
    Query("with 5 as n select w from W where w in (select a + n from V)", "W, V", "w:integer", NOT_READ),
    Query("with 5 as n, q as (select a from V) select a, n from q", "V", "a:integer, n:integer", NOT_READ),
    # Sets.
    Query("select a from V union all select w from W", "V, W", "a:integer", NOT_READ),
    Query("select a from V union all select b from V", "V", "a:integer", USED),
    Query("select b from V union all select w from W", "V, W", "b:integer", USED),
    Query("select w from W union all select V.b from V", "W, V", "w:integer", USED),
    Query("select a from V union distinct select w from W", "V, W", "a:integer", NOT_READ),
    Query("select a from V union select b from V", "V", "a:integer", USED),
    Query("select a from V intersect select w from W", "V, W", "a:integer", NOT_READ),
    Query("select a from V intersect select b from V", "V", "a:integer", USED),
    Query("select a from V except select w from W", "V, W", "a:integer", NOT_READ),
    Query("select w from W except select b from V", "W, V", "w:integer", USED),
    Query("(select a from V) union all (select w from W limit 1)", "V, W", "a:integer", NOT_READ),
    Query("(select a from V order by b) union all (select w from W)", "V, W", "a:integer", READ),
    Query("select a from V union all select w from W union all select b from V", "V, W", "a:integer", USED),
    Query("select a, c from V union all select 1, 'x'", "V", "a:integer, c:string", NOT_READ),
    Query("select * from V union all select * from T", "V, T", ALL, "brbRcrs"),
    Query("select a from (select a from V union all select w from W)", "V, W", "a:integer", NOT_READ),
    Query("select x from (select b as x from V union all select w from W)", "V, W", "x:integer", USED),
    Query("select 1 as x union all select 'y'", "", "x"),
    Query("select a from V union all by name select c from T", "V, T", "~*a part of a UNION at 0", "SSSccSs"),
    # Groups.
    Query("select a, count() as n from V group by a", "V", "a:integer, n:integer", NOT_READ),
    Query("select a, sum(b) as s from V group by a", "V", "a:integer, s:integer", USED),
    Query("select c, max(b) as s, avg(a) as t from V group by c", "V", "c:string, s:integer, t:float", "bbsrcss"),
    Query("select c, avg(b) as t from V group by c", "V", "c:string, t:float", USED),
    Query("select a from V group by a, b", "V", "a:integer", READ),
    Query("select a, c from V group by 1, 2", "V", "a:integer, c:string", NOT_READ),
    Query("select a, b from V group by all", "V", "a:integer, b:integer", READ),
    Query("select a, count() as n from V group by rollup(a)", "V", "a:integer, n:integer", NOT_READ),
    Query("select a, count() as n from V group by cube(a, b)", "V", "a:integer, n:integer", READ),
    Query("select a, count() as n from V group by a with rollup", "V", "a:integer, n:integer", NOT_READ),
    Query("select a, count() as n from V group by a, b with cube", "V", "a:integer, n:integer", READ),
    Query("select a, count() as n from V group by a with totals", "V", "a:integer, n:integer", NOT_READ),
    Query("select a, count() as n from V group by grouping sets ((a), (b), ())", "V", "a:integer, n:integer", READ),
    Query("select a, count() as n from V group by a having n > 1", "V", "a:integer, n:integer", NOT_READ),
    Query("select a from V group by a having sum(b) > 1", "V", "a:integer", READ),
    Query("select count(distinct b) as n from V", "V", "n:integer", READ),
    Query("select uniq(c) as n, countIf(a > 1) as k from V", "V", "n:integer, k:integer", NOT_READ),
    Query("select countIf(b > 1) as n from V", "V", "n:integer", READ),
    Query("select sum(a) filter (where b > 1) as s from V", "V", "s:integer", READ),
    Query("select quantile(0.9)(a) as p from V", "V", "p:float", NOT_READ),
    Query("select quantile(0.9)(b) as p from V", "V", "p:float", USED),
    Query("select median(at) as m, avg(price) as p, avg(total) as t from orders", "orders", "m, p, t:float"),
    Query("select groupArray(a) as x, groupUniqArray(b) as y from V", "V", "x:array, y:array", USED),
    Query("select argMax(c, b) as x, any(a) as y from V", "V", "x:string, y:integer", READ),
    Query("select argMax(b, a) as x from V", "V", "x:integer", READ),
    Query(
        "select min(at) as x, max(day) as y, sum(total) as z, sum(price) as p from orders",
        "orders",
        "x:datetime, y:date, z:float, p",
    ),
    # Windows.
    Query("select a, row_number() over (order by a) as n from V", "V", "a:integer, n:integer", NOT_READ),
    Query("select a, row_number() over (partition by b order by a) as n from V", "V", "a:integer, n:integer", READ),
    Query("select rank() over (partition by c order by b desc) as n from V", "V", "n:integer", READ),
    Query(
        "select sum(a) over (order by a rows between unbounded preceding and current row) as s from V",
        "V",
        "s:integer",
        NOT_READ,
    ),
    Query(
        "select sum(b) over (order by a rows between 1 preceding and 1 following) as s from V", "V", "s:integer", USED
    ),
    Query("select lagInFrame(a) over (order by a) as x from V", "V", "x", NOT_READ),
    Query("select lagInFrame(b, 1) over (order by a) as x from V", "V", "x", USED),
    Query("select sum(a) over w as s from V window w as (partition by c)", "V", "s:integer", NOT_READ),
    Query("select sum(a) over w as s from V window w as (partition by c order by b)", "V", "s:integer", READ),
    Query(
        "select sum(a) over w as s, count() over v as n from V window w as (order by a), v as (order by c)",
        "V",
        "s:integer, n:integer",
        NOT_READ,
    ),
    Query("select first_value(b) over (order by a) as x from V", "V", "x:integer", READ),
    Query("select a from V qualify row_number() over (order by a) = 1", "V", "a:integer", NOT_READ),
    Query("select a, row_number() over (order by b) as n from V qualify n = 1", "V", "a:integer, n:integer", READ),
    Query(
        "select a from (select a, row_number() over (partition by b) as n from V) where n = 1", "V", "a:integer", READ
    ),
]
