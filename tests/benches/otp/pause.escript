#!/usr/bin/env escript
%% -*- erlang -*-
%% Measures the time for which OTP holds N gen_servers while their module changes: suspend, load, code_change, resume,
%% in the order of its release handler. Prints one JSON object per round.
%%
%%   escript pause.escript N ROUNDS
-mode(compile).

main([Servers, Rounds]) ->
    N = list_to_integer(Servers),
    Code = {binary("1", "{old,N,Name,Ticks}"), binary("2", "{new,N,Name,Ticks,0}")},
    load(element(1, Code)),
    Pids = [element(2, {ok, _} = bench_server:start_link(I)) || I <- lists:seq(1, N)],
    rounds(list_to_integer(Rounds), Code, Pids),
    halt(0).

rounds(0, _, _) ->
    ok;
rounds(Left, {Old, New} = Code, Pids) ->
    round(up, "1", New, Pids),
    round(down, {down, "1"}, Old, Pids),
    rounds(Left - 1, Code, Pids).

round(up, Vsn, Binary, Pids) ->
    Began = erlang:monotonic_time(microsecond),
    [ok = sys:suspend(Pid) || Pid <- Pids],
    load(Binary),
    [ok = sys:change_code(Pid, bench_server, Vsn, []) || Pid <- Pids],
    [ok = sys:resume(Pid) || Pid <- Pids],
    report(up, Began, Pids);
round(down, Vsn, Binary, Pids) ->
    Began = erlang:monotonic_time(microsecond),
    [ok = sys:suspend(Pid) || Pid <- Pids],
    [ok = sys:change_code(Pid, bench_server, Vsn, []) || Pid <- Pids],
    load(Binary),
    [ok = sys:resume(Pid) || Pid <- Pids],
    report(down, Began, Pids).

report(Way, Began, Pids) ->
    Took = erlang:monotonic_time(microsecond) - Began,
    io:format("{\"way\":\"~s\",\"servers\":~b,\"pause_us\":~b}~n", [Way, length(Pids), Took]).

load(Binary) ->
    code:purge(bench_server),
    {module, bench_server} = code:load_binary(bench_server, "bench_server.erl", Binary).

%% A server with the state {old, N, Name, Ticks} in version 1, and one more field in version 2.
binary(Vsn, State) ->
    Source = [
        "-module(bench_server).",
        "-behaviour(gen_server).",
        "-vsn(\"" ++ Vsn ++ "\").",
        "-export([start_link/1,init/1,handle_call/3,handle_cast/2,handle_info/2,code_change/3]).",
        "start_link(N) -> gen_server:start_link(bench_server, N, []).",
        "init(N) -> Name = integer_to_list(N), Ticks = 0, {ok, " ++ State ++ "}.",
        "handle_call(_, _, S) -> {reply, element(4, S), S}.",
        "handle_cast(_, S) -> {noreply, S}.",
        "handle_info(_, S) -> {noreply, setelement(4, S, element(4, S) + 1)}.",
        "code_change({down, _}, {new, N, Name, Ticks, _}, _) -> {ok, {old, N, Name, Ticks}};"
        "code_change(_, {old, N, Name, Ticks}, _) -> {ok, {new, N, Name, Ticks, 0}}."
    ],
    Forms = [form(lists:flatten(Line)) || Line <- Source],
    {ok, bench_server, Binary} = compile:forms(Forms, [binary]),
    Binary.

form(Line) ->
    {ok, Tokens, _} = erl_scan:string(Line),
    {ok, Form} = erl_parse:parse_form(Tokens),
    Form.
