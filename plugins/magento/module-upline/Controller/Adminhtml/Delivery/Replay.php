<?php

declare(strict_types=1);

namespace Upline\Commission\Controller\Adminhtml\Delivery;

use Magento\Backend\App\Action;
use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;
use Magento\Ui\Component\MassAction\Filter;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\ResourceModel\Delivery\GridFactory;

/**
 * Sends what was chosen in the grid again: what waits or was refused at once, what was delivered as a new row.
 */
class Replay extends Action implements HttpPostActionInterface
{
    public const ADMIN_RESOURCE = 'Upline_Commission::replay';

    /**
     * One press takes so many.
     */
    private const MOST = 5000;

    /**
     * @param Action\Context $context
     * @param Filter $filter
     * @param GridFactory $grids
     * @param Outbox $outbox
     */
    public function __construct(
        Action\Context $context,
        private readonly Filter $filter,
        private readonly GridFactory $grids,
        private readonly Outbox $outbox
    ) {
        parent::__construct($context);
    }

    /**
     * @inheritDoc
     */
    public function execute(): ResultInterface
    {
        $rows = $this->filter->getCollection($this->grids->create());
        $rows->setPageSize(self::MOST)->setCurPage(1);
        $waiting = $delivered = [];
        foreach ($rows as $row) {
            if ($row->getData('status') === Outbox::DELIVERED) {
                $delivered[(int) $row->getData('entity_id')] = (int) $row->getData('website_id');
            } else {
                $waiting[] = (int) $row->getData('id');
            }
        }
        $count = $waiting ? $this->outbox->retry($waiting) : 0;
        $count += $this->outbox->addAll($delivered, Outbox::RESENT);
        $this->messageManager->addSuccessMessage(
            (string) __('%1 deliveries are sent with the next run of cron.', $count)
        );
        if (count($waiting) + count($delivered) === self::MOST) {
            $this->messageManager->addNoticeMessage(
                (string) __('One press takes %1. Press again for the rest.', self::MOST)
            );
        }
        return $this->resultFactory->create(ResultFactory::TYPE_REDIRECT)->setPath('upline/delivery/index');
    }
}
