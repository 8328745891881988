/* Everything of Ward. See README.md for a dozen lines that use it. */
#ifndef WARD_H
#define WARD_H

#include <ward/component.h>
#include <ward/error.h>
#include <ward/evidence.h>
#include <ward/frame.h>
#include <ward/grants.h>
#include <ward/health.h>
#include <ward/host.h>
#include <ward/log.h>
#include <ward/message.h>
#include <ward/metric.h>
#include <ward/native.h>
#include <ward/observe.h>
#include <ward/supervisor.h>

#endif
