<?php

declare(strict_types=1);

namespace Upline\Commission\Console\Command;

use Symfony\Component\Console\Command\Command;
use Symfony\Component\Console\Input\InputArgument;
use Symfony\Component\Console\Input\InputInterface;
use Symfony\Component\Console\Output\OutputInterface;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Outbox;

/**
 * bin/magento upline:retry
 */
class RetryCommand extends Command
{
    /**
     * @param Outbox $outbox
     * @param Connection $connection
     */
    public function __construct(private readonly Outbox $outbox, private readonly Connection $connection)
    {
        parent::__construct();
    }

    /**
     * @inheritDoc
     */
    protected function configure(): void
    {
        $this->setName('upline:retry')
            ->setDescription('Make waiting and parked rows due at once, and end a pause')
            ->addArgument(
                'ids',
                InputArgument::IS_ARRAY | InputArgument::OPTIONAL,
                'Rows of the outbox; all when left out'
            );
    }

    /**
     * @inheritDoc
     */
    protected function execute(InputInterface $input, OutputInterface $output): int
    {
        $ids = (array) $input->getArgument('ids');
        foreach ($ids as $id) {
            if (preg_match('/^[1-9]\d{0,17}$/D', (string) $id) !== 1) {
                $output->writeln('<error>Rows are whole numbers; see the deliveries in the admin</error>');
                return Command::INVALID;
            }
        }
        foreach ($this->connection->all() as $connection) {
            $connection->remember(array_fill_keys(['paused_until', 'pause_reason', 'failures', 'probe_at'], null));
        }
        $count = $this->outbox->retry(array_map('intval', $ids));
        $output->writeln(sprintf('%d rows are due now; cron sends them, or bin/magento upline:deliver', $count));
        return Command::SUCCESS;
    }
}
