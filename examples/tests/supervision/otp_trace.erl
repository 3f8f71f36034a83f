%% The traces of supervision scenarios as supervisors of real Erlang/OTP give them: the judge of
%% `supervision_trace`, for whoever has Erlang 25 (`apt-get install erlang-base`). No check needs it.
%%
%%   SCENARIOS=/tmp/s SEEDS=0..1000 cargo test -p rotor-examples --test supervision_trace \
%%       write_random -- --ignored
%%   erlc otp_trace.erl && erl -noshell -run otp_trace main /tmp/s
%%
%% writes NAME.trace beside every NAME.json in the folder; `cmp` it with NAME.ours. Starts are logged by the start
%% functions, exits by tracing, giving up by the supervisor's own report, auto-shutdown by tracing
%% the function that decides it. Strict monotonic time stamps put them in one order.
-module(otp_trace).
-export([main/1, start_sup/3, start_worker/3, start_instance/4, init/1, log/2]).
-behaviour(supervisor).

main([Dir]) ->
    ok = logger:add_handler(gave_up, ?MODULE, #{}),
    ok = logger:remove_handler(default),
    erlang:trace_pattern({supervisor, do_auto_shutdown, 2}, [{'_', [], [{return_trace}]}], [local]),
    Files = lists:sort(filelib:wildcard(filename:join(Dir, "*.json"))),
    Todo = [F || F <- Files, not filelib:is_file(filename:rootname(F) ++ ".trace")],
    pool(Todo, 16, []),
    halt(0).

pool([], _, []) -> ok;
pool([F | Fs], N, Running) when length(Running) < N ->
    pool(Fs, N, [element(2, spawn_monitor(fun() -> run(F) end)) | Running]);
pool(Fs, N, Running) ->
    receive {'DOWN', R, process, _, Why} ->
        Why =:= normal orelse io:format(standard_error, "~p~n", [Why]),
        pool(Fs, N, lists:delete(R, Running))
    end.

run(File) ->
    {ok, Text} = file:read_file(File),
    {#{root := Root, commands := Cs}, _} = json(Text),
    process_flag(trap_exit, true),
    Log = ets:new(log, [ordered_set, public]),
    Db = ets:new(db, [set, public]),
    Tracer = spawn_link(fun() -> tracer(Log, Db) end),
    S = #{log => Log, db => Db, tracer => Tracer, root => maps:get(id, Root)},
    Out0 = [cmd(0, "start_root")],
    R = start_sup(S, Root, top),
    quiet(S),
    Out1 = [Out0, events(S), reply(0, case R of {ok, _} -> "ok"; _ -> "error:start_failed" end, [])],
    Out2 = [command(S, I, C) || {I, C} <- lists:zip(lists:seq(1, length(Cs)), Cs)],
    Tree = ["{\"ev\":\"tree\",\"root\":", tree(S, maps:get(id, Root)), "}\n"],
    Out3 = cmd(length(Cs) + 1, "stop_root"),
    case alive(S, maps:get(id, Root)) of
        undefined -> ok;
        Pid ->
            M = monitor(process, Pid), exit(Pid, shutdown),
            receive {'DOWN', M, process, Pid, _} -> ok end
    end,
    Out4 = [events(S), "{\"ev\":\"end\"}\n"],
    unlink(Tracer), exit(Tracer, kill),
    ok = file:write_file(filename:rootname(File) ++ ".trace", [Out1, Out2, Tree, Out3, Out4]).

%% Commands.

command(S, I, #{cmd := <<"burst">>, sup := Sup, items := Items}) ->
    Out = case alive(S, Sup) of
        undefined -> [{K, "noproc", []} || K <- lists:seq(1, length(Items))];
        Pid ->
            ok = sys:suspend(Pid, infinity),
            Sent = [burst_item(S, Sup, Pid, Item) || Item <- Items],
            ok = sys:resume(Pid, infinity),
            quiet(S),
            [begin {R, X} = finish(S, A), {K, R, X} end
                || {K, A} <- lists:zip(lists:seq(1, length(Items)), Sent)]
    end,
    Es = events(S),
    [cmd(I, "burst"), Es, [reply_k(I, K, R, X) || {K, R, X} <- Out]];
command(_, I, #{cmd := <<"sleep">>, ms := N}) ->
    timer:sleep(N),
    [cmd(I, "sleep"), reply(I, "ok", [])];
command(S, I, C = #{cmd := Cmd}) ->
    Sent = send(S, maps:get(sup, C, none), C),
    quiet(S),
    {R, X} = finish(S, Sent),
    [cmd(I, binary_to_list(Cmd)), events(S), reply(I, R, X)].

burst_item(S, Sup, Pid, Item) ->
    Len = queue_len(Pid),
    Sent = send(S, Sup, Item),
    case Sent of
        {done, "noproc", _} -> ok;
        _ -> wait(fun() -> queue_len(Pid) =:= Len + 1 end)
    end,
    Sent.

queue_len(Pid) -> element(2, process_info(Pid, message_queue_len)).

wait(F) -> case F() of true -> ok; false -> timer:sleep(1), wait(F) end.

%% An exit is made to happen before the supervisor may look: it is suspended meanwhile.
send(S, _, #{cmd := <<"crash">>, target := W, reason := T}) -> ends(S, W, {crash, T});
send(S, _, #{cmd := <<"stop">>, target := W, reason := R}) -> ends(S, W, reason(R));
send(S, _, #{cmd := <<"kill">>, target := W}) ->
    case alive(S, W) of
        undefined -> {done, "noproc", []};
        Pid -> gone(Pid, fun() -> exit(Pid, kill) end)
    end;
send(S, Sup, C) ->
    case alive(S, Sup) of
        undefined -> {done, "noproc", []};
        Pid ->
            Simple = simple(S, Sup),
            case request(S, Sup, Simple, C) of
                {reply, R} -> {done, R, []};
                Req -> {asked, maps:get(cmd, C), Simple, gen_server:send_request(Pid, Req)}
            end
    end.

ends(S, W, R) ->
    case alive(S, W) of
        undefined -> {done, "noproc", []};
        Pid -> gone(Pid, fun() -> Pid ! {die, R} end)
    end.

gone(Pid, F) ->
    M = monitor(process, Pid), F(),
    receive {'DOWN', M, process, Pid, _} -> {done, "ok", []} end.

request(S, _, false, #{cmd := <<"start_child">>, spec := Spec}) -> {start_child, spec(S, Spec)};
request(_, _, true, #{cmd := <<"start_child">>, name := N}) -> {start_child, [N]};
request(S, Sup, true, #{cmd := <<"terminate_child">>, child := N}) ->
    case ets:lookup(maps:get(db, S), {instance, Sup, N}) of
        [{_, Pid}] -> {terminate_child, Pid};
        [] -> {terminate_child, N}
    end;
%% Of a pool OTP counts wrong once an instance was terminated while it was restarting, so its
%% children are listed and counted here.
request(_, _, true, #{cmd := <<"count_children">>}) -> which_children;
request(_, _, _, #{cmd := Cmd, child := N}) -> {binary_to_atom(Cmd), N};
request(_, _, _, #{cmd := Cmd}) -> binary_to_atom(Cmd).

finish(_, {done, R, X}) -> {R, X};
finish(S, {asked, Cmd, Simple, Ref}) ->
    case gen_server:receive_response(Ref, 5000) of
        {error, _} -> {"noproc", []};
        timeout -> {"timeout", []};
        {reply, R} -> answer(S, Cmd, Simple, R)
    end.

answer(_, _, _, ok) -> {"ok", []};
answer(_, _, _, {ok, undefined}) -> {"ok_undefined", []};
answer(S, _, _, {ok, Pid}) when is_pid(Pid) ->
    {N, K} = who(S, Pid),
    {"ok", io_lib:format(",\"child\":\"~s\",\"n\":~b", [N, K])};
answer(_, _, _, {error, {already_started, _}}) -> {"error:already_started", []};
answer(_, _, _, {error, {bad_combination, _}}) -> {"error:bad_spec", []};
answer(_, _, _, {error, E}) when is_atom(E), E =/= failed -> {["error:", atom_to_list(E)], []};
answer(_, _, _, {error, _}) -> {"error:start_failed", []};
answer(S, <<"which_children">>, Simple, L) ->
    {"ok", [",\"children\":[", lists:join(",", children(S, Simple, L)), "]"]};
answer(_, <<"count_children">>, true, L) ->
    Types = [T || {_, _, T, _} <- L],
    Active = length([P || {_, P, _, _} <- L, is_pid(P)]),
    counted([1, Active, count(supervisor, Types), count(worker, Types)]);
answer(_, <<"count_children">>, false, L) ->
    counted([proplists:get_value(K, L) || K <- [specs, active, supervisors, workers]]).

counted(Counts) ->
    {"ok", [io_lib:format(",\"specs\":~b,\"active\":~b,\"supervisors\":~b,\"workers\":~b", Counts)]}.

count(Type, Types) -> length([T || T <- Types, T =:= Type]).

children(S, true, L) ->
    Running = lists:sort([{who(S, P), T} || {_, P, T, _} <- L, is_pid(P)]),
    [child(N, T, "running", K) || {{N, K}, T} <- Running] ++
        [child(null, T, atom_to_list(P), null) || {_, P, T, _} <- L, not is_pid(P)];
children(S, false, L) ->
    [case P of
        undefined -> child(Id, T, "undefined", null);
        restarting -> child(Id, T, "restarting", null);
        _ -> child(Id, T, "running", element(2, who(S, P)))
     end || {Id, P, T, _} <- lists:reverse(L)].

child(Id, Type, State, K) ->
    io_lib:format("{\"id\":~s,\"type\":\"~s\",\"state\":\"~s\",\"n\":~s}",
        [quoted(Id), Type, State, number(K)]).

quoted(null) -> "null";
quoted(Id) -> ["\"", Id, "\""].

number(null) -> "null";
number(K) -> integer_to_list(K).

tree(S, Name) ->
    case alive(S, Name) of
        undefined -> "null";
        Pid ->
            {_, K} = who(S, Pid),
            L = supervisor:which_children(Pid),
            Parts = case simple(S, Name) of
                true -> children(S, true, L);
                false -> lists:zipwith(
                    fun({Id, P, supervisor, _}, _) when is_pid(P) -> tree(S, Id); (_, Text) -> Text end,
                    lists:reverse(L), children(S, false, L))
            end,
            io_lib:format("{\"id\":\"~s\",\"type\":\"supervisor\",\"state\":\"running\",\"n\":~b,"
                "\"children\":[~s]}", [Name, K, lists:join(",", Parts)])
    end.

%% What runs under a name, and the name of what ran.

alive(#{db := Db}, Name) ->
    case ets:lookup(Db, {pid, Name}) of
        [{_, Pid}] -> case is_process_alive(Pid) of true -> Pid; false -> undefined end;
        [] -> undefined
    end.

who(#{db := Db}, Pid) -> [{_, Who}] = ets:lookup(Db, {who, Pid}), Who.

simple(#{db := Db}, Sup) -> ets:lookup_element(Db, {simple, Sup}, 2).

%% Starting, in the process of the supervisor above.

spec(S, C = #{type := <<"supervisor">>}) ->
    spec(S, C, #{type => supervisor, start => {?MODULE, start_sup, [S, C, child]}});
spec(S, C) -> spec(S, C, #{type => worker, start => {?MODULE, start_worker, [S, C, none]}}).

spec(_, C, M) ->
    M1 = M#{id => maps:get(id, C), restart => atom(maps:get(restart, C, <<"permanent">>)),
            significant => maps:get(significant, C, false)},
    case C of
        #{shutdown := T} when is_integer(T) -> M1#{shutdown => T};
        #{shutdown := T} -> M1#{shutdown => atom(T)};
        _ -> M1
    end.

atom(B) -> binary_to_atom(B).

attempt(#{db := Db}, Name) -> ets:update_counter(Db, {n, Name}, 1, {{n, Name}, 0}).

start_sup(S = #{db := Db}, C = #{id := Name}, _) ->
    K = attempt(S, Name),
    ets:insert(Db, {{simple, Name}, maps:get(strategy, C, <<>>) =:= <<"simple_one_for_one">>}),
    case supervisor:start_link(?MODULE, {S, C}) of
        {ok, Pid} -> started(S, Name, K, Pid);
        {error, _} = E -> note_start(S, Name, K, "error"), E
    end.

start_worker(S, C = #{id := Name}, _) -> start_named(S, C, Name).
start_instance(S = #{db := Db}, Sup, C, Name) ->
    case start_named(S, C, Name) of
        {ok, Pid} = R -> ets:insert(Db, {{instance, Sup, Name}, Pid}), R;
        R -> R
    end.

start_named(S = #{tracer := T}, C, Name) ->
    K = attempt(S, Name),
    Init = maps:get(init, C, [<<"ok">>]),
    case lists:nth(min(K, length(Init)), Init) of
        <<"fail">> -> note_start(S, Name, K, "error"), {error, failed};
        <<"ignore">> -> note_start(S, Name, K, "ignore"), ignore;
        <<"ok">> ->
            Up = self(),
            Pid = spawn_link(fun() ->
                process_flag(trap_exit, true),
                erlang:trace(self(), true, [procs, strict_monotonic_timestamp, {tracer, T}]),
                Up ! {up, self()},
                worker(Up, maps:get(on_shutdown, C, <<"exit">>))
            end),
            receive {up, Pid} -> started(S, Name, K, Pid) end
    end.

started(S = #{db := Db}, Name, K, Pid) ->
    ets:insert(Db, [{{who, Pid}, {Name, K}}, {{pid, Name}, Pid}]),
    note_start(S, Name, K, "ok"),
    {ok, Pid}.

worker(Up, Manner) ->
    receive
        {die, R} -> exit(R);
        {'EXIT', Up, shutdown} ->
            case Manner of
                <<"exit">> -> exit(shutdown);
                <<"delay:", Ms/binary>> -> timer:sleep(binary_to_integer(Ms)), exit(shutdown);
                <<"ignore">> -> timer:sleep(infinity);
                <<"exit:", R/binary>> -> exit(reason(R))
            end;
        _ -> worker(Up, Manner)
    end.

reason(<<"normal">>) -> normal;
reason(<<"shutdown">>) -> shutdown;
reason(<<"shutdown:", T/binary>>) -> {shutdown, T};
reason(<<"crash:", T/binary>>) -> {crash, T}.

init({S = #{tracer := T}, C = #{id := Name}}) ->
    put(scenario, {S, Name}),
    erlang:trace(self(), true, [procs, call, strict_monotonic_timestamp, {tracer, T}]),
    Strategy = atom(maps:get(strategy, C, <<"one_for_one">>)),
    Flags = #{strategy => Strategy, intensity => maps:get(intensity, C, 1),
              period => maps:get(period, C, 5),
              auto_shutdown => atom(maps:get(auto_shutdown, C, <<"never">>))},
    Children = maps:get(children, C, []),
    Specs = case Strategy of
        simple_one_for_one ->
            [spec(S, X, #{type => worker, start => {?MODULE, start_instance, [S, Name, X]}}) || X <- Children];
        _ -> [spec(S, X) || X <- Children]
    end,
    {ok, {Flags, Specs}}.

%% The log.

note(#{log := Log}, Event) ->
    ets:insert(Log, {{erlang:monotonic_time(), erlang:unique_integer([monotonic])}, Event}).

note_start(S, Name, K, R) -> note(S, {start, Name, K, R}).

%% A handler of the logger runs in the process that logs: here the supervisor.
log(#{msg := {report, #{label := {supervisor, shutdown}, report := R}}}, _) ->
    case {get(scenario), lists:keyfind(reason, 1, R)} of
        {{S, Name}, {reason, reached_max_restart_intensity}} ->
            {offender, O} = lists:keyfind(offender, 1, R),
            Id = case simple(S, Name) of
                true -> {mfargs, {_, _, As}} = lists:keyfind(mfargs, 1, O), lists:last(As);
                false -> proplists:get_value(id, O)
            end,
            note(S, {gave_up, self(), Id});
        _ -> ok
    end;
log(_, _) -> ok.

tracer(Log, Db) ->
    receive
        {trace_ts, Pid, exit, R, Ts} -> ets:insert(Log, {Ts, {exit, Pid, R}});
        {trace_ts, Pid, return_from, {supervisor, do_auto_shutdown, 2}, {shutdown, _}, Ts} ->
            ets:insert(Log, {Ts, {auto_shutdown, Pid}});
        {sync, From, Ref} -> From ! Ref;
        _ -> ok
    end,
    tracer(Log, Db).

%% The events since the last call, as lines.
events(S = #{log := Log, tracer := T}) ->
    Ref = erlang:trace_delivered(all),
    receive {trace_delivered, all, Ref} -> ok end,
    Sync = make_ref(), T ! {sync, self(), Sync}, receive Sync -> ok end,
    Es = [E || {_, E} <- ets:tab2list(Log)],
    ets:delete_all_objects(Log),
    sorted([X || E <- Es, X <- event(S, E)]).

event(_, {start, N, K, R}) ->
    [{plain, io_lib:format("{\"ev\":\"start\",\"child\":\"~s\",\"n\":~b,\"result\":\"~s\"}~n", [N, K, R])}];
event(S = #{db := Db}, {exit, Pid, R}) ->
    case ets:lookup(Db, {who, Pid}) of
        [] -> [];
        [{_, {N, K}}] ->
            Line = io_lib:format("{\"ev\":\"exit\",\"child\":\"~s\",\"n\":~b,\"reason\":\"~s\"}~n", [N, K, text(R)]),
            case ets:match(maps:get(db, S), {{instance, '$1', N}, '_'}) of
                [[Sup]] -> [{instance, Sup, N, Line}];
                _ -> [{plain, Line}]
            end
    end;
event(S, {gave_up, Pid, Id}) ->
    {Name, K} = who(S, Pid),
    [{plain, io_lib:format("{\"ev\":\"gave_up\",\"sup\":\"~s\",\"n\":~b,\"child\":\"~s\"}~n", [Name, K, Id])}];
event(S, {auto_shutdown, Pid}) ->
    {N, K} = who(S, Pid),
    [{plain, io_lib:format("{\"ev\":\"auto_shutdown\",\"sup\":\"~s\",\"n\":~b}~n", [N, K])}].

%% Unbroken runs of exits of one pool's instances are sorted by name.
sorted([]) -> [];
sorted([{plain, L} | Es]) -> [L | sorted(Es)];
sorted([{instance, Sup, _, _} | _] = Es) ->
    {Run, Rest} = lists:splitwith(fun({instance, X, _, _}) -> X =:= Sup; (_) -> false end, Es),
    [[L || {_, _, _, L} <- lists:keysort(3, Run)] | sorted(Rest)].

text(normal) -> "normal";
text(shutdown) -> "shutdown";
text({shutdown, T}) when is_binary(T) -> ["shutdown:", T];
text({crash, T}) -> ["crash:", T];
text(killed) -> "killed";
text(X) -> io_lib:format("~0p", [X]).

%% Whether nothing is waiting anywhere: every supervisor sits in its loop with an empty queue.
quiet(S) -> quiet(S, 0, -1).
quiet(_, 3, _) -> ok;
quiet(S = #{db := Db, log := Log}, N, Seen) ->
    Pids = [P || [P] <- ets:match(Db, {{pid, '_'}, '$1'})],
    Idle = lists:all(fun(P) -> idle(Db, P) end, Pids),
    Size = ets:info(Log, size),
    case Idle andalso (Size =:= Seen orelse Seen =:= -1) of
        true -> erlang:yield(), (N > 0) andalso timer:sleep(1), quiet(S, N + 1, Size);
        false -> timer:sleep(1), quiet(S, 0, Size)
    end.

idle(Db, P) ->
    case process_info(P, [current_function, message_queue_len, status]) of
        undefined -> true;
        [{_, F}, {_, 0}, {_, waiting}] ->
            [{_, {Name, _}}] = ets:lookup(Db, {who, P}),
            case ets:member(Db, {simple, Name}) of
                true -> F =:= {gen_server, loop, 7};
                false -> true
            end;
        _ -> false
    end.

%% Lines.

cmd(I, C) -> io_lib:format("{\"ev\":\"cmd\",\"i\":~b,\"cmd\":\"~s\"}~n", [I, C]).
reply(I, R, X) -> io_lib:format("{\"ev\":\"reply\",\"i\":~b,\"result\":\"~s\"~s}~n", [I, R, X]).
reply_k(I, K, R, X) ->
    io_lib:format("{\"ev\":\"reply\",\"i\":~b,\"k\":~b,\"result\":\"~s\"~s}~n", [I, K, R, X]).

%% JSON, as much of it as scenarios have.

json(<<C, T/binary>>) when C =< 32 -> json(T);
json(<<"{", T/binary>>) -> object(skip(T), #{});
json(<<"[", T/binary>>) -> array(skip(T), []);
json(<<"\"", T/binary>>) -> [S, Rest] = binary:split(T, <<"\"">>), {S, Rest};
json(<<"true", T/binary>>) -> {true, T};
json(<<"false", T/binary>>) -> {false, T};
json(T) ->
    {match, [{0, L}]} = re:run(T, "^[0-9]+"),
    <<N:L/binary, Rest/binary>> = T,
    {binary_to_integer(N), Rest}.

skip(<<C, T/binary>>) when C =< 32; C =:= $, ; C =:= $: -> skip(T);
skip(T) -> T.

object(<<"}", T/binary>>, M) -> {M, T};
object(T, M) ->
    {K, T1} = json(T),
    {V, T2} = json(skip(T1)),
    object(skip(T2), M#{binary_to_atom(K) => V}).

array(<<"]", T/binary>>, L) -> {lists:reverse(L), T};
array(T, L) -> {V, T1} = json(T), array(skip(T1), [V | L]).
