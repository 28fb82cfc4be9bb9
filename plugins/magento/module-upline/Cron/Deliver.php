<?php

declare(strict_types=1);

namespace Upline\Commission\Cron;

use Magento\Framework\Lock\LockManagerInterface;
use Upline\Commission\Domain\Module;
use Upline\Commission\Model\Clock;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\Sender;
use Upline\Commission\Model\State;

/**
 * Each minute: sends what is due.
 */
class Deliver
{
    private const LOCK = 'upline_deliver';

    /**
     * Less than the minute until the next run.
     */
    private const SECONDS = 50.0;

    /**
     * @param Sender $sender
     * @param Outbox $outbox
     * @param LockManagerInterface $lock
     * @param State $state
     * @param Clock $clock
     */
    public function __construct(
        private readonly Sender $sender,
        private readonly Outbox $outbox,
        private readonly LockManagerInterface $lock,
        private readonly State $state,
        private readonly Clock $clock
    ) {
    }

    /**
     * Runs.
     *
     * @return void
     */
    public function execute(): void
    {
        $this->state->set(0, ['cron_at' => $this->clock->now()]);
        if ($this->state->get(0, 'module') !== Module::VERSION) {
            $this->outbox->retry(); // After an update the server may take what it refused.
            $this->state->set(0, ['module' => Module::VERSION]);
        }
        if (!$this->lock->lock(self::LOCK, 0)) {
            return;
        }
        try {
            $this->sender->drain(self::SECONDS);
        } finally {
            $this->lock->unlock(self::LOCK);
        }
    }
}
