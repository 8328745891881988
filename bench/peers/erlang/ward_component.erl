%% A component as an Erlang developer would write it: a gen_server that says how it is when asked.
%% A state of its own, so that its health is looked up and not compiled in.
-module(ward_component).
-behaviour(gen_server).

-export([start_link/1, start/1, health/1, echo/2]).
-export([init/1, handle_call/3, handle_cast/2]).

-record(state, {name, status = healthy, reason = <<>>}).

start_link(Name) -> gen_server:start_link(?MODULE, Name, []).
start(Name) -> gen_server:start(?MODULE, Name, []).

%% infinity: a call with a time limit sets a timer, which costs more than the call.
health(Pid) -> gen_server:call(Pid, health, infinity).
echo(Pid, Bytes) -> gen_server:call(Pid, {echo, Bytes}, infinity).

init(Name) -> {ok, #state{name = Name}}.

handle_call(health, _From, State = #state{status = Status, reason = Reason}) ->
    {reply, {Status, Reason}, State};
handle_call({echo, Bytes}, _From, State) ->
    {reply, Bytes, State};
handle_call(crash, _From, _State) ->
    error(crash).

handle_cast(_, State) -> {noreply, State}.
