%% The Erlang peer's figures, one JSON object a line, under the names of build/bench.json.
%% Usage: erl -noshell -run ward_peer main GUESTS-DIRECTORY SAMPLES NAME…; the guests are not used.
%%
%% There is no WebAssembly here: a component is a gen_server, its health a field of its state. So it
%% does less than either of the others, and is safe against nothing that its code does.
-module(ward_peer).
-export([main/1]).

-define(ROUNDS, 7).
-define(TOKENS, 64).

main([_Guests, Samples | Names]) ->
    logger:set_primary_config(level, none), % crashes are wanted here, and their reports not
    io:setopts([{encoding, unicode}]),
    lists:foreach(fun(Name) -> bench(list_to_atom(Name), list_to_integer(Samples)) end, Names),
    halt(0).

%% ---- benchmarks ----

%% Another process asks, as another thread does of Ward.
bench(message_check, Samples) ->
    {ok, Pid} = ward_component:start(one),
    Ask = fun() -> {healthy, <<>>} = ward_component:health(Pid) end,
    times(Samples div 10, Ask),
    print(message_check, "ns", [timed(Ask) || _ <- lists:seq(1, Samples)]),
    gen_server:stop(Pid);
bench(request_reply, Samples) ->
    {ok, Pid} = ward_component:start(one),
    Bytes = binary:copy(<<"x">>, 64),
    Ask = fun() -> Bytes = ward_component:echo(Pid, Bytes) end,
    times(Samples div 10, Ask),
    print(request_reply, "ns", [timed(Ask) || _ <- lists:seq(1, Samples)]),
    gen_server:stop(Pid);
bench(messages_per_second, _) ->
    Pids = fleet(64),
    Ids = list_to_tuple(Pids),
    [ward_component:peer(element(K + 1, Ids), element((K bxor 1) + 1, Ids)) || K <- lists:seq(0, 63)],
    [ward_component:pass(Pid, {1 bsl 50, self(), binary:copy(<<1>>, 64)}) || Pid <- Pids, _ <- lists:seq(1, 16)],
    timer:sleep(200),
    [Slowest | _] = Rates = lists:sort([passed_a_second(Pids) || _ <- lists:seq(1, 10)]),
    stop(Pids),
    print(messages_per_second, "1", Rates, Slowest);
bench(message_cost, Samples) ->
    [ring(Count, Samples) || Count <- [10, 100, 1000, 10000 | [100000 || Samples >= 100000]]];
bench(message_cost_million, Samples) ->
    ring(1000000, Samples);
bench(start, _) ->
    Starts = [begin
                  {Nanoseconds, Pids} = measured(fun() -> fleet(10000) end),
                  stop(Pids),
                  Nanoseconds / 10000
              end || _ <- lists:seq(1, ?ROUNDS)],
    print(start, "ns", Starts);
bench(sweep_100k, _) ->
    Pids = fleet(100000),
    print(sweep_100k, "ms", sweeps(Pids)),
    stop(Pids);
bench(million, _) ->
    Before = memory_bytes(),
    {Nanoseconds, Pids} = measured(fun() -> fleet(1000000) end),
    erlang:garbage_collect(),
    print(million_start, "s", [Nanoseconds / 1.0e9]),
    print(million_bytes_each, "B", [(memory_bytes() - Before) / 1000000]),
    print(million_sweep, "ms", sweeps(Pids)),
    stop(Pids);
bench(sizes, _) ->
    Before = memory_bytes(),
    [at_size(Count, Before) || Count <- [10, 100, 1000, 10000, 100000]];
bench(size_million, _) ->
    at_size(1000000, memory_bytes());
bench(recover_trap, Samples) ->
    {ok, Supervisor} = ward_restarts:start_link(),
    unlink(Supervisor),
    Crash = fun() -> recover(Supervisor) end,
    print(recover_trap, "\x{b5}s", [timed(Crash) / 1000 || _ <- lists:seq(1, min(Samples div 100, 2000))]),
    exit(Supervisor, shutdown);
bench(_, _) ->
    ok.

at_size(Count, Before) ->
    Pids = fleet(Count),
    erlang:garbage_collect(),
    print_size(Count, "bytes_each", "B", (memory_bytes() - Before) / Count),
    print_size(Count, "check", "ns", ask_any(list_to_tuple(Pids), 20000)),
    print_size(Count, "sweep_each", "ns", lists:min(sweeps(Pids)) * 1.0e6 / Count),
    stop(Pids).

passed(Pids) -> lists:sum([ward_component:passed(Pid) || Pid <- Pids]).

passed_a_second(Pids) ->
    Before = passed(Pids),
    {Nanoseconds, After} = measured(fun() -> timer:sleep(100), passed(Pids) end),
    (After - Before) * 1.0e9 / Nanoseconds.

%% As bench_message_cost in bench/talk.c: so many messages are under way at any size.
ring(Count, Samples) ->
    Pids = fleet(Count),
    Ids = list_to_tuple(Pids),
    [ward_component:peer(element(K, Ids), element(K rem Count + 1, Ids)) || K <- lists:seq(1, Count)],
    Each = max(min(Samples, 1000000), Count) div ?TOKENS,
    First = [element(K * Count div ?TOKENS + 1, Ids) || K <- lists:seq(0, ?TOKENS - 1)],
    Pass = fun() -> element(1, measured(fun() -> once_round(First, Each) end)) / (Each * ?TOKENS) end,
    Pass(),
    print(io_lib:format("message_at_~b", [Count]), "ns", [Pass() || _ <- [1, 2, 3]]),
    stop(Pids).

once_round(First, Each) ->
    [ward_component:pass(Pid, {Each, self(), binary:copy(<<1>>, 64)}) || Pid <- First],
    [receive arrived -> ok end || _ <- First].

%% As the kernel sees it: resident, and page tables.
memory_bytes() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    Bytes = fun(What) ->
        {match, [Kib]} = re:run(Status, What ++ ":\\s+(\\d+) kB", [{capture, all_but_first, list}]),
        list_to_integer(Kib) * 1024
    end,
    Bytes("VmRSS") + Bytes("VmPTE").

%% In an order that no cache can guess.
ask_any(Pids, Times) ->
    Any = [element(rand:uniform(tuple_size(Pids)), Pids) || _ <- lists:seq(1, Times)],
    element(1, measured(fun() -> lists:foreach(fun ward_component:health/1, Any) end)) / Times.

print_size(Count, What, Unit, Value) ->
    print(io_lib:format("~s_at_~b", [What, Count]), Unit, [Value]).

%% Without links: a million links to one process would be this process' cost, not theirs.
fleet(Count) ->
    [begin {ok, Pid} = ward_component:start(N), Pid end || N <- lists:seq(1, Count)].

stop(Pids) ->
    References = [begin R = monitor(process, Pid), exit(Pid, kill), R end || Pid <- Pids],
    [receive {'DOWN', R, process, _, _} -> ok end || R <- References],
    erlang:garbage_collect(),
    ok.

%% All are asked before the first answer is awaited: gen_server's own way to ask many.
sweep(Pids) ->
    Asked = [gen_server:send_request(Pid, health) || Pid <- Pids],
    [{reply, {healthy, _}} = gen_server:wait_response(Request, infinity) || Request <- Asked],
    ok.

%% The same by messages alone. An answer is looked for among all that have come, so that
%% wait_response takes the square of their number when many are under way: this keeps one reference
%% for all of them and only counts.
sweep_counted(Pids) ->
    Reference = make_ref(),
    From = {self(), Reference},
    lists:foreach(fun(Pid) -> Pid ! {'$gen_call', From, health} end, Pids),
    collect(Reference, length(Pids)).

collect(_, 0) -> ok;
collect(Reference, Left) ->
    receive {Reference, {healthy, _}} -> collect(Reference, Left - 1) end.

%% In a process of its own, whose heap is not what a fleet's making has left behind; the better of
%% the two ways.
sweeps(Pids) ->
    Best = fun(Sweep) -> [apart(fun() -> element(1, measured(fun() -> Sweep(Pids) end)) / 1.0e6 end)
                          || _ <- lists:seq(1, ?ROUNDS)] end,
    sweep_counted(Pids),
    Counted = Best(fun sweep_counted/1),
    case length(Pids) =< 100000 of
        true -> better(Counted, Best(fun sweep/1));
        false -> Counted
    end.

better(A, B) ->
    case lists:nth(?ROUNDS div 2 + 1, lists:sort(A)) =< lists:nth(?ROUNDS div 2 + 1, lists:sort(B)) of
        true -> A;
        false -> B
    end.

apart(Fun) ->
    Self = self(),
    Reference = make_ref(),
    spawn_opt(fun() -> Self ! {Reference, Fun()} end, [{min_heap_size, 1 bsl 20}, link]),
    receive {Reference, Value} -> Value end.

%% From the call that crashes it to the answer of the one that its supervisor has started instead.
recover(Supervisor) ->
    Pid = ward_restarts:component(Supervisor),
    try gen_server:call(Pid, crash, infinity) catch exit:_ -> ok end,
    serves_again(Supervisor, Pid).

%% The supervisor may be asked before it has heard of the crash.
serves_again(Supervisor, Old) ->
    case ward_restarts:component(Supervisor) of
        Pid when is_pid(Pid), Pid =/= Old -> {healthy, <<>>} = ward_component:health(Pid);
        _ -> serves_again(Supervisor, Old)
    end.

%% ---- measuring ----

times(0, _) -> ok;
times(N, Fun) -> Fun(), times(N - 1, Fun).

measured(Fun) ->
    Start = erlang:monotonic_time(nanosecond),
    Value = Fun(),
    {erlang:monotonic_time(nanosecond) - Start, Value}.

timed(Fun) -> element(1, measured(Fun)).

print(Name, Unit, Values) ->
    Sorted = lists:sort(Values),
    print(Name, Unit, Sorted, at(0.99, Sorted), at(0.999, Sorted)).

%% As its P99, the worst where more is better.
print(Name, Unit, Sorted, Worst) -> print(Name, Unit, Sorted, Worst, Worst).

print(Name, Unit, Sorted, P99, P999) ->
    Count = length(Sorted),
    Median = at(0.5, Sorted),
    io:format("{\"peer\":\"erlang\",\"name\":\"~s\",\"unit\":\"~ts\",\"p50\":~.3f,\"p99\":~.3f,"
              "\"p999\":~.3f,\"mean\":~.3f,\"single_p50\":~.3f,\"samples\":~b}~n",
              [Name, Unit] ++ [float(V) || V <- [Median, P99, P999, lists:sum(Sorted) / Count, Median]]
              ++ [Count]).

at(Share, Sorted) ->
    Count = length(Sorted),
    lists:nth(min(Count, trunc(Count * Share) + 1), Sorted).
