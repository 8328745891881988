%% A component as an Erlang developer would write it: a gen_server that says how it is when asked.
%% A state of its own, so that its health is looked up and not compiled in.
-module(ward_component).
-behaviour(gen_server).

-export([start_link/1, start/1, health/1, echo/2, peer/2, pass/2, passed/1]).
-export([init/1, handle_call/3, handle_cast/2]).

-record(state, {name, status = healthy, reason = <<>>, peer, passed = 0}).

start_link(Name) -> gen_server:start_link(?MODULE, Name, []).
start(Name) -> gen_server:start(?MODULE, Name, []).

%% infinity: a call with a time limit sets a timer, which costs more than the call.
health(Pid) -> gen_server:call(Pid, health, infinity).
echo(Pid, Bytes) -> gen_server:call(Pid, {echo, Bytes}, infinity).
%% Whom it passes messages on to, each as often as the message says; then it goes to whoever waits.
peer(Pid, Peer) -> gen_server:call(Pid, {peer, Peer}, infinity).
pass(Pid, Message) -> gen_server:cast(Pid, Message).
passed(Pid) -> gen_server:call(Pid, passed, infinity).

init(Name) -> {ok, #state{name = Name}}.

handle_call(health, _From, State = #state{status = Status, reason = Reason}) ->
    {reply, {Status, Reason}, State};
handle_call({echo, Bytes}, _From, State) ->
    {reply, Bytes, State};
handle_call({peer, Peer}, _From, State) ->
    {reply, ok, State#state{peer = Peer}};
handle_call(passed, _From, State = #state{passed = Passed}) ->
    {reply, Passed, State};
handle_call(crash, _From, _State) ->
    error(crash).

handle_cast({1, Waits, _Bytes}, State) ->
    Waits ! arrived,
    {noreply, State};
handle_cast({Left, Waits, Bytes}, State = #state{peer = Peer, passed = Passed}) ->
    pass(Peer, {Left - 1, Waits, Bytes}),
    {noreply, State#state{passed = Passed + 1}}.
