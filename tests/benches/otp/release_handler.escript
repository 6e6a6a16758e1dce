#!/usr/bin/env escript
%% -*- erlang -*-
%% Measures the time for which OTP's release handler holds N gen_servers while their module changes. They are children
%% of one simple_one_for_one supervisor, where the release handler has to find them, and each has a state of a few
%% fields. Upgrades and downgrades alternate, each with a relup that release_handler_1 runs. The script prints one JSON
%% object for each.
%%
%%   escript release_handler.escript [N...]      default: 1000 10000 100000
%%
%% pause.escript does the same with plain calls, without the search.
-mode(compile).

-define(ROUNDS, 3).

main([]) ->
    main(["1000", "10000", "100000"]);
main(Counts) ->
    Folder = string:trim(os:cmd("mktemp -d")),
    Libs = [{Vsn, application(Folder, Vsn)} || Vsn <- ["1", "2"]],
    true = code:add_patha(filename:join(element(2, hd(Libs)), "ebin")),
    ok = logger:set_primary_config(level, warning),
    ok = application:start(sasl),
    ok = application:start(bench),
    [measure(list_to_integer(Count), Libs) || Count <- Counts],
    ok = application:stop(bench),
    ok = file:del_dir_r(Folder).

measure(N, Libs) ->
    Pids = [element(2, {ok, _} = supervisor:start_child(bench_sup, [I])) || I <- lists:seq(1, N)],
    [begin way(up, "2", Libs, Pids), way(down, "1", Libs, Pids) end || _ <- lists:seq(1, ?ROUNDS)],
    [ok = supervisor:terminate_child(bench_sup, Pid) || Pid <- Pids].

way(Mode, Vsn, Libs, Pids) ->
    {Vsn, Lib} = lists:keyfind(Vsn, 1, Libs),
    Script = [{load_object_code, {bench, Vsn, [bench_server]}}, point_of_no_return | held(Mode)],
    {ok, _} = release_handler_1:eval_script(Script, [], [{bench, Vsn, Lib}], [], []),
    Size = case Mode of up -> 5; down -> 4 end,
    [Size = tuple_size(sys:get_state(Pid)) || Pid <- [hd(Pids), lists:last(Pids)]],
    io:format("{\"processes\":~b,\"mode\":\"~s\",\"pause_us\":~b}~n",
              [length(Pids), Mode, get(ended) - get(began)]).

%% In a downgrade the newer code removes the field before the older code is loaded.
held(Mode) ->
    Load = {load, {bench_server, brutal_purge, brutal_purge}},
    Change = {code_change, Mode, [{bench_server, []}]},
    Exchange = case Mode of up -> [Load, Change]; down -> [Change, Load] end,
    [mark(began), {suspend, [bench_server]}] ++ Exchange ++ [{resume, [bench_server]}, mark(ended)].

mark(What) ->
    {apply, {bench_sup, mark, [What]}}.

%% Writes lib/bench-Vsn in the form of a release.
application(Folder, Vsn) ->
    Lib = filename:join(Folder, "bench-" ++ Vsn),
    Ebin = filename:join(Lib, "ebin"),
    ok = filelib:ensure_dir(filename:join(Ebin, "x")),
    App = {application, bench,
           [{description, ""}, {vsn, Vsn}, {modules, [bench_sup, bench_server]}, {registered, [bench_sup]},
            {applications, [kernel, stdlib]}, {mod, {bench_sup, []}}]},
    ok = file:write_file(filename:join(Ebin, "bench.app"), io_lib:format("~p.~n", [App])),
    [compile(Ebin, Module, Text) || {Module, Text} <- [{bench_sup, supervisor()}, {bench_server, server(Vsn)}]],
    Lib.

compile(Ebin, Module, Text) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    {ok, Module, Binary} = compile:forms(forms(Tokens, [])),
    ok = file:write_file(filename:join(Ebin, atom_to_list(Module) ++ ".beam"), Binary).

forms([], []) ->
    [];
forms([{dot, _} = Dot | Tokens], Form) ->
    {ok, Parsed} = erl_parse:parse_form(lists:reverse([Dot | Form])),
    [Parsed | forms(Tokens, [])];
forms([Token | Tokens], Form) ->
    forms(Tokens, [Token | Form]).

supervisor() ->
    "-module(bench_sup). -export([start/2, stop/1, init/1, mark/1]).
     start(_, _) -> supervisor:start_link({local, bench_sup}, bench_sup, []).
     stop(_) -> ok.
     init([]) ->
         Child = #{id => server, start => {bench_server, start_link, []}, restart => temporary, modules => [bench_server]},
         {ok, {#{strategy => simple_one_for_one}, [Child]}}.
     mark(What) -> put(What, erlang:monotonic_time(microsecond)).".

server(Vsn) ->
    "-module(bench_server). -vsn(\"" ++ Vsn ++ "\").
     -export([start_link/1, init/1, handle_call/3, handle_cast/2, code_change/3]).
     start_link(I) -> gen_server:start_link(bench_server, I, []).
     init(I) -> {ok, {state, I, <<\"a name\">>, 0}}.
     handle_call(_, _, State) -> {reply, ok, State}.
     handle_cast(_, State) -> {noreply, State}.
     code_change(\"1\", {state, I, Name, Ticks}, _) -> {ok, {state, I, Name, Ticks, none}};
     code_change({down, \"1\"}, {state, I, Name, Ticks, _}, _) -> {ok, {state, I, Name, Ticks}};
     code_change(_, State, _) -> {ok, State}.".
